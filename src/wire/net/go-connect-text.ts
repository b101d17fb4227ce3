const texts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ECONNREFUSED: 'connection refused',
  EACCES: 'permission denied',
  ECONNRESET: 'connection reset by peer',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EINVAL: 'invalid argument',
};

/** Go's text after `connect: ` for a system error, by the error's name. Undefined for rare errors. */
export function goConnectText(code: string): string | undefined {
  return Object.hasOwn(texts, code) ? texts[code] : undefined;
}
