import { BlockList, isIP, type Socket } from 'node:net';
import { type Clock, createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { type Deadline, startDeadline } from './deadline.js';
import { defaultDialTimeoutMs, type GoDialOptions, goDial, isPort } from './go-dial.js';
import { connectError, type GoTarget, invalidPort, noSuchHost, stopError } from './go-errors.js';
import { connectBy, connectTcp } from './tcp-connect.js';

export interface RealAddress {
  readonly host: string;
  readonly port: number;
}

/** The route of a node address: a listener, or `silence`, where a dial runs into its timeout. */
export type Route = RealAddress | 'silence';

export interface NodeEndpoint {
  readonly host: string;
  readonly port: number;
  readonly route: Route;
}

/** Addresses that change, such as those of a node's pods. */
export interface NetworkSegment {
  has(host: string): boolean;
  /** Connects to the port. Undefined: nothing listens there. */
  open(host: string, port: number, options: GoDialOptions): Promise<Socket | undefined>;
}

export interface NodeNetworkOptions {
  readonly clock?: Clock;
  /** Address ranges that exist only in this network. Default `10.0.0.0/8` and `fd00::/8`. */
  readonly ranges?: readonly string[];
  /** The DNS server in the text of failed look-ups: `lookup NAME on SERVER:53`. Default: the text names none. */
  readonly dnsServer?: string;
}

/**
 * The network that only agents reach: node addresses such as `10.0.1.11:10250`, each mapped to a listener on the
 * loopback. An unknown address of its ranges has no route, an unknown port of a known address is refused, an unknown
 * name does not resolve. Addresses outside its ranges and segments, and `localhost`, are dialled for real.
 */
export interface NodeNetwork {
  /** Adds or replaces one endpoint. Throws CONFIG_INVALID when `host` is not an IP address of the ranges. */
  register(host: string, port: number, route: Route): void;
  /** Removes an endpoint. A host without endpoints has no route. */
  unregister(host: string, port: number): void;
  /** Maps a name to an address. Throws CONFIG_INVALID when that is not an IP address. */
  addName(name: string, host: string): void;
  removeName(name: string): void;
  /** Adds addresses that are looked up with each dial. Call the returned function to remove them. */
  addSegment(segment: NetworkSegment): () => void;
  endpoints(): readonly NodeEndpoint[];
  /** Dials as `goDial` does, with the same texts and errors, through the table. */
  connect(host: string, port: number, options?: Omit<GoDialOptions, 'clock'>): Promise<Socket>;
}

const defaultRanges = ['10.0.0.0/8', 'fd00::/8'];

/** Creates an empty network. It need not be closed. */
export function createNodeNetwork(options: NodeNetworkOptions = {}): NodeNetwork {
  const clock = options.clock ?? createRealClock();
  const ranges = rangeList(options.ranges ?? defaultRanges);
  const hosts = new Map<string, Map<number, Route>>();
  const names = new Map<string, string>();
  const segments = new Set<NetworkSegment>();

  const segmentOf = (host: string): NetworkSegment | undefined =>
    [...segments].find((each) => each.has(host));
  const routeOf = (target: GoTarget, dial: GoDialOptions & { clock: Clock }): Route | Promise<Socket> => {
    const host = canonical(target.host);
    const ports = hosts.get(host);
    const route = ports?.get(target.port);
    if (route !== undefined) return route;
    const segment = segmentOf(host);
    if (segment !== undefined) return connectSegment(segment, { ...target, host }, dial);
    throw connectError(target, { code: ports === undefined ? 'EHOSTUNREACH' : 'ECONNREFUSED' });
  };

  return {
    register(host, port, route) {
      if (!contains(ranges, host)) throw invalid(`${host} is not an address of the node network`);
      if (!isPort(port)) throw invalid(`${port} is not a port`);
      const key = canonical(host);
      const ports = hosts.get(key) ?? new Map<number, Route>();
      hosts.set(key, ports.set(port, route));
    },
    unregister(host, port) {
      const key = canonical(host);
      const ports = hosts.get(key);
      ports?.delete(port);
      if (ports?.size === 0) hosts.delete(key);
    },
    addName(name, host) {
      if (isIP(host) === 0) throw invalid(`${host} is not an IP address`);
      names.set(nameKey(name), host);
    },
    removeName: (name) => void names.delete(nameKey(name)),
    addSegment(segment) {
      segments.add(segment);
      return () => void segments.delete(segment);
    },
    endpoints: () =>
      [...hosts].flatMap(([host, ports]) => [...ports].map(([port, route]) => ({ host, port, route }))),
    async connect(host, port, dial = {}) {
      const target: GoTarget = { host: names.get(nameKey(host)) ?? host, port, where: dial.where };
      if (!isPort(port)) throw invalidPort(target);
      if (isIP(target.host) === 0 && !isLocalName(target.host)) throw noSuchHost(target, options.dnsServer);
      if (!contains(ranges, target.host) && segmentOf(target.host) === undefined)
        return goDial(target.host, port, { ...dial, clock });
      const route = routeOf(target, { ...dial, clock });
      return route instanceof Promise ? route : follow(route, target, { ...dial, clock });
    },
  };
}

async function connectSegment(
  segment: NetworkSegment,
  target: GoTarget,
  dial: GoDialOptions & { clock: Clock },
): Promise<Socket> {
  const reach = async (): Promise<Socket> => {
    const socket = await segment.open(target.host, target.port, dial);
    if (socket === undefined) throw connectError(target, { code: 'ECONNREFUSED' });
    return socket;
  };
  const { open } = dial;
  if (open === undefined) return reach();
  return within(dial, (deadline) => connectBy({ real: reach, shown: target }, deadline, open));
}

async function follow(
  route: Route,
  shown: GoTarget,
  options: GoDialOptions & { clock: Clock },
): Promise<Socket> {
  return within(options, (deadline) => {
    if (route !== 'silence') return connectTcp({ real: route, shown }, deadline, options.open);
    return new Promise<never>((_resolve, reject) => {
      deadline.onStop((reason) => reject(stopError(shown, reason)));
    });
  });
}

async function within<T>(
  { clock, timeoutMs = defaultDialTimeoutMs, signal }: GoDialOptions & { clock: Clock },
  connect: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline(clock, timeoutMs, signal);
  try {
    return await connect(deadline);
  } finally {
    deadline.close();
  }
}

function rangeList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', bits = ''] = cidr.split('/');
    const family = isIP(network);
    if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) {
      throw invalid(`${cidr} is not an address range`);
    }
    list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function contains(ranges: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && ranges.check(withoutZone(host), family === 4 ? 'ipv4' : 'ipv6');
}

/** One spelling for each address, because IPv6 has many. */
function canonical(host: string): string {
  return isIP(host) === 6 ? new URL(`http://[${withoutZone(host)}]`).hostname.slice(1, -1) : host;
}

/** `fe80::1%eth0` without the interface, which has no meaning here. */
function withoutZone(host: string): string {
  return host.replace(/%.*$/, '');
}

/** DNS names ignore case and a final dot. */
function nameKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function isLocalName(name: string): boolean {
  return name === '' || nameKey(name) === 'localhost';
}

function invalid(message: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', message, { where: 'node network' });
}
