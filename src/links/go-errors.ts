import { isIP } from 'node:net';
import { joinHostPort } from '../core/address.js';
import { TunnelError } from '../core/errors.js';

/** Go's texts of Linux error numbers, with the system call before them. */
const systemErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'connect: connection reset by peer',
  ECONNABORTED: 'connect: software caused connection abort',
  ETIMEDOUT: 'connect: connection timed out',
  EHOSTUNREACH: 'connect: no route to host',
  EHOSTDOWN: 'connect: host is down',
  ENETUNREACH: 'connect: network is unreachable',
  ENETDOWN: 'connect: network is down',
  EADDRNOTAVAIL: 'connect: cannot assign requested address',
  EADDRINUSE: 'connect: address already in use',
  EACCES: 'connect: permission denied',
  EPERM: 'connect: operation not permitted',
  EINVAL: 'connect: invalid argument',
  EMFILE: 'socket: too many open files',
  ENFILE: 'socket: too many open files in system',
  EAFNOSUPPORT: 'socket: address family not supported by protocol',
};

const lookupErrors: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  ENODATA: 'no such host',
  EAI_AGAIN: 'Temporary failure in name resolution',
};

/** The address in a dial error. Go prints the resolved IP, never the name. */
export interface GoTarget {
  readonly host: string;
  readonly port: number;
  /** The `where` of the error. Default `endpoint HOST:PORT`. */
  readonly where?: string | undefined;
}

/** `dial tcp ADDRESS: REASON` as a DIAL_FAILED error. */
export function dialError(target: GoTarget, reason: string, cause?: unknown): TunnelError {
  return failure(target, `dial tcp ${joinHostPort(target.host, target.port)}: ${reason}`, cause);
}

/** Go's text for a system error of Node. */
export function connectError(target: GoTarget, cause: unknown): TunnelError {
  return dialError(target, systemErrors[codeOf(cause)] ?? `connect: ${messageOf(cause)}`, cause);
}

/** Go's text for a stopped dial: DIAL_TIMEOUT with `i/o timeout`, or DIAL_CANCELLED with `operation was canceled`. */
export function stopError(target: GoTarget, reason: 'timeout' | 'cancelled'): TunnelError {
  const text = reason === 'timeout' ? 'i/o timeout' : 'operation was canceled';
  const code = reason === 'timeout' ? 'DIAL_TIMEOUT' : 'DIAL_CANCELLED';
  // A target that still has a name was stopped during its look-up.
  const place =
    isIP(target.host) === 0 ? `: lookup ${target.host}` : ` ${joinHostPort(target.host, target.port)}`;
  return new TunnelError(code, `dial tcp${place}: ${text}`, { where: whereOf(target) });
}

/** Go's text for a name that does not resolve. `dnsServer` is printed as Go's own resolver does. */
export function lookupError(target: GoTarget, cause: unknown, dnsServer?: string): TunnelError {
  return lookupFailure(target, lookupErrors[codeOf(cause)] ?? messageOf(cause), dnsServer, cause);
}

/** The error for an unknown name. */
export function noSuchHost(target: GoTarget, dnsServer?: string): TunnelError {
  return lookupFailure(target, 'no such host', dnsServer);
}

/** The error for a port outside 1 to 65535. */
export function invalidPort(target: GoTarget): TunnelError {
  return failure(target, `dial tcp: address ${target.port}: invalid port`);
}

function lookupFailure(target: GoTarget, reason: string, dnsServer?: string, cause?: unknown): TunnelError {
  const server = dnsServer === undefined ? '' : ` on ${joinHostPort(dnsServer, 53)}`;
  return failure(target, `dial tcp: lookup ${target.host}${server}: ${reason}`, cause);
}

function failure(target: GoTarget, message: string, cause?: unknown): TunnelError {
  return new TunnelError('DIAL_FAILED', message, {
    where: whereOf(target),
    ...(cause === undefined ? {} : { cause }),
  });
}

function whereOf(target: GoTarget): string {
  return target.where ?? `endpoint ${joinHostPort(target.host, target.port)}`;
}

function codeOf(caught: unknown): string {
  return caught instanceof Error && 'code' in caught ? String(caught.code) : '';
}

function messageOf(caught: unknown): string {
  return caught instanceof Error ? caught.message : String(caught);
}
