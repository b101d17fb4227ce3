import { joinHostPort } from './address.js';

/** Go's words for Linux error numbers, by the name of the number. */
const systemTexts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ECONNABORTED: 'software caused connection abort',
  EPIPE: 'broken pipe',
  ENOTCONN: 'transport endpoint is not connected',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  EHOSTDOWN: 'host is down',
  ENETUNREACH: 'network is unreachable',
  ENETDOWN: 'network is down',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EINVAL: 'invalid argument',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in system',
  EAFNOSUPPORT: 'address family not supported by protocol',
  E2BIG: 'argument list too long',
  EAGAIN: 'resource temporarily unavailable',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file exists',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'file name too long',
  ENOEXEC: 'exec format error',
  ENOMEM: 'cannot allocate memory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EROFS: 'read-only file system',
};

/** What Go says for a Linux error number; the name of the number for rare ones. */
export function goSystemText(code: string): string {
  return systemTexts[code] ?? code;
}

const socketCodes = new Set(['EMFILE', 'ENFILE', 'EAFNOSUPPORT']);

/** What Go says when it cannot connect, behind the system call that failed; `otherwise` for rare codes. */
export function goConnectText(code: string, otherwise: string): string {
  return `${socketCodes.has(code) ? 'socket' : 'connect'}: ${systemTexts[code] ?? otherwise}`;
}

const lookupTexts: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  ENODATA: 'no such host',
  ESERVFAIL: 'server misbehaving',
  EAI_AGAIN: 'Temporary failure in name resolution',
};

/** What Go says when a name does not resolve; undefined for rare codes. */
export function goLookupText(code: string): string | undefined {
  return lookupTexts[code];
}

const wholeTexts: Readonly<Record<string, string>> = {
  'socket hang up': 'EOF',
  'Client network socket disconnected before secure TLS connection was established': 'EOF',
  'Premature close': 'unexpected EOF',
  'write after end': 'use of closed network connection',
  'Cannot call write after a stream was destroyed': 'use of closed network connection',
};

/** The two ends of a connection, as Go names them: `tcp4`, `127.0.0.1:40832`, `127.0.0.1:8080`. */
export interface ConnectionEnds {
  readonly network: string;
  readonly local: string;
  readonly remote: string;
}

/** What a socket knows of its ends. */
interface SocketAddresses {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Asked early: a broken socket does not know its ends any more. */
export function endsOf(
  { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 }: SocketAddresses,
  network = 'tcp',
): ConnectionEnds {
  const local = joinHostPort(localAddress, localPort);
  return { network, local, remote: joinHostPort(remoteAddress, remotePort) };
}

/**
 * The text of an error with Node's words for a failed connection in Go's: `read: connection reset by peer`, `dial tcp
 * 127.0.0.1:1: connect: connection refused`. With `ends`, a failed read or write names them. Other texts stay.
 */
export function goText(text: string, ends?: ConnectionEnds): string {
  const [, call = '', code = '', rest = ''] =
    /^(connect|getaddrinfo|read|write|shutdown) (E[A-Z0-9_]+)(?: (.*))?$/s.exec(text) ?? [];
  const place = rest.replace(/ - Local .*$/s, '');
  const lookup = call === 'getaddrinfo' ? lookupTexts[code] : undefined;
  if (lookup !== undefined) return `dial tcp: lookup ${place}: ${lookup}`;
  const reason = systemTexts[code];
  if (reason === undefined) return wholeTexts[text] ?? text;
  if (call === 'connect') return `dial ${dialled(place)}: ${goConnectText(code, text)}`;
  const where = ends === undefined ? '' : `${call} ${ends.network} ${ends.local}->${ends.remote}: `;
  return `${where}${call}: ${reason}`;
}

/** `127.0.0.1:1`, `::1:1` or a path, as Node writes them. */
function dialled(place: string): string {
  const [, host, port] = /^(.*):(\d+)$/.exec(place) ?? [];
  return host === undefined ? `unix ${place}` : `tcp ${joinHostPort(host, Number(port))}`;
}

const alertTexts: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'remote error: tls: certificate required',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'remote error: tls: unknown certificate authority',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'remote error: tls: bad certificate',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'remote error: tls: protocol version not supported',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'remote error: tls: no application protocol',
};

/** What Go says of an alert, by Node's code for it; undefined for other codes. */
export function goAlertText(code: string): string | undefined {
  return alertTexts[code];
}

/** What Go says of the error that ended a connection. */
export function goBrokenText({ code = '', message }: Error & { readonly code?: string | undefined }): string {
  return alertTexts[code] ?? goText(message);
}
