/** Splits `host:port` or `[v6]:port`. Returns undefined when it is neither. */
export function splitHostPort(address: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) return undefined;
  return { host, port };
}

/** `host:port`, with IPv6 in brackets, as Go's net.JoinHostPort writes it. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** As Konnectivity's destHost: with at most one colon the text before it; else the part in brackets, or all. */
export function destinationHost(address: string): string {
  const first = address.indexOf(':');
  if (first === address.lastIndexOf(':')) return first === -1 ? address : address.slice(0, first);
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(address);
  return bracketed?.[1] ?? address;
}
