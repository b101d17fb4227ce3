import { isIP } from 'node:net';
import { joinHostPort } from '../core/address.js';
import { TunnelError } from '../core/errors.js';
import { goConnectText, goLookupText } from '../core/go-texts.js';

/** The address in a dial error. Go prints the resolved IP, never the name. */
export interface GoTarget {
  readonly host: string;
  readonly port: number;
  /** The `where` of the error. Default `endpoint HOST:PORT`. */
  readonly where?: string | undefined;
}

/** What Go says when connecting failed with a system error of Node: `dial tcp ADDRESS: REASON` as a DIAL_FAILED error. */
export function connectError(target: GoTarget, cause: unknown): TunnelError {
  const reason = goConnectText(codeOf(cause), messageOf(cause));
  return failure(target, `dial tcp ${joinHostPort(target.host, target.port)}: ${reason}`, cause);
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
  const server = dnsServer === undefined ? '' : ` on ${joinHostPort(dnsServer, 53)}`;
  const reason = goLookupText(codeOf(cause)) ?? messageOf(cause);
  return failure(target, `dial tcp: lookup ${target.host}${server}: ${reason}`, cause);
}

export function noSuchHost(target: GoTarget, dnsServer?: string): TunnelError {
  return lookupError(target, { code: 'ENOTFOUND' }, dnsServer);
}

export function invalidPort(target: GoTarget): TunnelError {
  return failure(target, `dial tcp: address ${target.port}: invalid port`);
}

function failure(target: GoTarget, message: string, cause?: unknown): TunnelError {
  return new TunnelError('DIAL_FAILED', message, { where: whereOf(target), cause });
}

function whereOf(target: GoTarget): string {
  return target.where ?? `endpoint ${joinHostPort(target.host, target.port)}`;
}

function codeOf(caught: unknown): string {
  return (caught as { code?: string } | undefined)?.code ?? '';
}

function messageOf(caught: unknown): string {
  return caught instanceof Error ? caught.message : String(caught);
}
