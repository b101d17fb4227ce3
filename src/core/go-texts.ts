/** Go's words for Linux error numbers, by the name of the number. */
const systemTexts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ECONNABORTED: 'software caused connection abort',
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
};

const socketCodes = new Set(['EMFILE', 'ENFILE', 'EAFNOSUPPORT']);

/** What Go says when it cannot connect, behind the system call that failed; `otherwise` for rare codes. */
export function goConnectText(code: string, otherwise: string): string {
  return `${socketCodes.has(code) ? 'socket' : 'connect'}: ${systemTexts[code] ?? otherwise}`;
}

const lookupTexts: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  ENODATA: 'no such host',
  EAI_AGAIN: 'Temporary failure in name resolution',
};

/** What Go says when a name does not resolve; undefined for rare codes. */
export function goLookupText(code: string): string | undefined {
  return lookupTexts[code];
}

const brokenTexts: Readonly<Record<string, string>> = {
  ECONNRESET: 'read: connection reset by peer',
  EPIPE: 'write: broken pipe',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'remote error: tls: certificate required',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'remote error: tls: unknown certificate authority',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'remote error: tls: bad certificate',
};

/** What Go says when a connection breaks that was there; undefined for rare codes. */
export function goBrokenText(code: string): string | undefined {
  return brokenTexts[code];
}
