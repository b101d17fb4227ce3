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
 * forms. Undefined: none. HTTP_PROXY and ALL_PROXY mean nothing here, and loopback addresses never have a proxy.
 * `invalid`: HTTPS_PROXY names no proxy that could be dialled. Go makes an address of most such values and fails to dial
 * it, but uses no proxy for a few. A caller must not go past the proxy for any.
 */
export function proxyFor(env: Variables, host: string, port: number): HttpProxy | 'invalid' | undefined {
  const url = firstOf(env, 'HTTPS_PROXY');
  if (url === '' || !isProxied(firstOf(env, 'NO_PROXY'), ascii(bare(host)), String(port))) return undefined;
  return parseProxy(url) ?? 'invalid';
}

function firstOf(env: Variables, name: string): string {
  return env[name] || env[name.toLowerCase()] || '';
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

/** As Go, names in ASCII stay as they are: Node would read `0.5` as an address. */
function ascii(name: string): string {
  return /^\p{ASCII}*$/u.test(name) ? name : domainToASCII(name) || name;
}

/** Matches a blank, a `%` without two hex digits, a colon without a port, and an `@` behind the first `/`, `?` or `#`. */
const misfit = /\s|%(?![\da-f]{2})|^[^/?#]*:(?:[/?#]|$)|[/?#].*@/i;

function parseProxy(value: string): HttpProxy | undefined {
  const text = value.replace(/^(?:https?|socks5h?):\/\//i, '');
  // With a scheme of its own, Node's parser keeps a port 80 or 443.
  const url = `proxy://${text}`;
  if (misfit.test(text) || !URL.canParse(url)) return undefined;
  const { hostname, port, username, password } = new URL(url);
  if (hostname === '') return undefined;
  const address = `${hostname}:${port || defaultPort}`;
  if (username === '' && password === '') return { address };
  const credentials = Buffer.concat([bytesOf(username), Buffer.from(':'), bytesOf(password)]);
  return { address, authorization: `Basic ${credentials.toString('base64')}` };
}

/** The bytes need not be UTF-8. */
function bytesOf(escaped: string): Buffer {
  const unescape = (_all: string, hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));
  return Buffer.from(escaped.replace(/%(..)/g, unescape), 'latin1');
}

/** As in Go, LOCALHOST in capitals is not the loopback. */
function isProxied(exceptions: string, given: string, port: string): boolean {
  if (given === 'localhost' || loopback.check(given, isIP(given) === 6 ? 'ipv6' : 'ipv4')) return false;
  const host = given.toLowerCase();
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
  // An address in brackets needs a port.
  const [, bracketed, plain, entryPort = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(entry) ?? [];
  const name = bracketed ?? plain ?? entry;
  if (name === '' || (entryPort !== '' && entryPort !== port)) return false;
  if (isIP(name) !== 0) return isIP(host) !== 0 && same(name, host);
  // As in Go, `.5` is what an address ends with.
  const domain = ascii(name.replace(/^\*\./, '.'));
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function rangeOf(entry: string): BlockList | undefined {
  const [, network = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(network);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list;
}

/** Two spellings of an IPv6 address are one address, and `::ffff:10.0.0.5` is 10.0.0.5. */
function same(one: string, other: string): boolean {
  const list = new BlockList();
  list.addAddress(one, isIP(one) === 4 ? 'ipv4' : 'ipv6');
  return list.check(other, isIP(other) === 4 ? 'ipv4' : 'ipv6');
}
