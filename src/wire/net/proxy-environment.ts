import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** A proxy that connects to any address by HTTP CONNECT. */
export interface HttpProxy {
  /** `host:port`. */
  readonly address: string;
  /** `Basic …`, from the user in the proxy's URL. */
  readonly authorization?: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** As grpc-go: a URL of any scheme means HTTP CONNECT without TLS, and the port is 443 where none is named. */
const defaultPort = '443';

/**
 * The proxy that a Go program uses for a TLS connection to `host:port`, by HTTPS_PROXY and NO_PROXY or their lower-case
 * forms. Undefined: none. `invalid`: HTTPS_PROXY is not a URL, and Go then uses none, too. HTTP_PROXY and ALL_PROXY mean
 * nothing here, and loopback addresses never have a proxy.
 */
export function proxyFor(env: Variables, host: string, port: number): HttpProxy | 'invalid' | undefined {
  const url = firstOf(env, 'HTTPS_PROXY');
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (url === '' || !isProxied(firstOf(env, 'NO_PROXY'), name, String(port))) return undefined;
  return parseProxy(url) ?? 'invalid';
}

function firstOf(env: Variables, name: string): string {
  return env[name] || env[name.toLowerCase()] || '';
}

function parseProxy(url: string): HttpProxy | undefined {
  const form =
    /^(?:[a-z][a-z\d+.-]*:\/\/)?(?:([^@/?#]*)@)?(\[[^\]/]+\]|[^:[\]/?#\s]+)(?::(\d{1,5}))?(?:[/?#].*)?$/i;
  const [, user, host, port = defaultPort] = form.exec(url) ?? [];
  if (host === undefined) return undefined;
  const address = `${host}:${port}`;
  if (user === undefined) return { address };
  try {
    const [name = '', password = ''] = /^([^:]*):?(.*)$/s.exec(user)?.slice(1).map(decodeURIComponent) ?? [];
    return { address, authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
  } catch {
    return undefined;
  }
}

function isProxied(exceptions: string, host: string, port: string): boolean {
  if (host === 'localhost' || loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')) return false;
  const entries = exceptions.split(',').map((entry) => entry.trim().toLowerCase());
  return !entries.some((entry) => entry !== '' && matches(entry, host, port));
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** `*`, a range, an address, or a domain, the last two with or without a port. `.domain` is only what is below it. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const range = rangeOf(entry);
  if (range !== undefined) return isIP(host) !== 0 && range.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
  const [, bracketed, plain = '', entryPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(entry) ?? [
    '',
    undefined,
    entry,
  ];
  const name = bracketed ?? plain;
  if (name === '' || (entryPort !== undefined && entryPort !== '' && entryPort !== port)) return false;
  if (isIP(name) !== 0) return isIP(host) !== 0 && same(name, host);
  const domain = name.replace(/^\*\./, '.');
  const ascii = domainToASCII(domain.replace(/^\./, '')) || domain.replace(/^\./, '');
  return host.endsWith(`.${ascii}`) || (!domain.startsWith('.') && host === ascii);
}

function rangeOf(entry: string): BlockList | undefined {
  const [, network = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(network);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list;
}

/** Two spellings of an IPv6 address are one address. */
function same(one: string, other: string): boolean {
  if (isIP(one) !== isIP(other)) return false;
  const list = new BlockList();
  const family = isIP(one) === 4 ? 'ipv4' : 'ipv6';
  list.addAddress(one, family);
  return list.check(other, family);
}
