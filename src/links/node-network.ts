import { BlockList, isIP, type Socket } from 'node:net';
import { type Clock, createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { startDeadline } from './deadline.js';
import { defaultDialTimeoutMs, type GoDialOptions, goDial, isPort } from './go-dial.js';
import { connectError, type GoTarget, invalidPort, noSuchHost, stopError } from './go-errors.js';
import { connectTcp } from './tcp-connect.js';

/** A listener of this machine. */
export interface RealAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a node address leads: to a listener, or into silence, so that a dial runs into its timeout. */
export type Route = RealAddress | 'silence';

/** One row of the table. */
export interface NodeEndpoint {
  readonly host: string;
  readonly port: number;
  readonly route: Route;
}

/** Addresses that come and go, such as those of a node's pods. */
export interface NetworkSegment {
  has(host: string): boolean;
  /** A listener that leads to the port for one connection, soon; undefined when nothing listens there. */
  open(host: string, port: number): Promise<RealAddress | undefined>;
}

export interface NodeNetworkOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Address ranges that exist only in here. Default `10.0.0.0/8` and `fd00::/8`. */
  readonly ranges?: readonly string[];
  /** Named in the text of failed look-ups, as by a resolver that asks this server: `lookup NAME on SERVER:53`. */
  readonly dnsServer?: string;
}

/**
 * The network that only agents see: node addresses such as `10.0.1.11:10250`, each standing for a listener on the
 * loopback. An unknown address of its ranges has no route, an unknown port of a known one is refused, an unknown name
 * does not resolve. Addresses outside its ranges, and `localhost`, are dialled for real.
 */
export interface NodeNetwork {
  /** Adds or replaces one endpoint. `host` is an IP address of the ranges. Throws CONFIG_INVALID otherwise. */
  register(host: string, port: number, route: Route): void;
  /** Takes an endpoint away; a host without endpoints has no route. */
  unregister(host: string, port: number): void;
  /** Lets a name resolve to an address. Throws CONFIG_INVALID when it is no IP address. */
  addName(name: string, host: string): void;
  removeName(name: string): void;
  /** Adds addresses that are looked up with each dial. Returns how to take them away. */
  addSegment(segment: NetworkSegment): () => void;
  endpoints(): readonly NodeEndpoint[];
  /** Dials as `goDial` does, with the same texts and errors, through the table. */
  connect(host: string, port: number, options?: Omit<GoDialOptions, 'clock'>): Promise<Socket>;
}

const defaultRanges = ['10.0.0.0/8', 'fd00::/8'];

/** Makes an empty network. It holds nothing that needs closing. */
export function createNodeNetwork(options: NodeNetworkOptions = {}): NodeNetwork {
  const clock = options.clock ?? createRealClock();
  const ranges = rangeList(options.ranges ?? defaultRanges);
  const hosts = new Map<string, Map<number, Route>>();
  const names = new Map<string, string>();
  const segments = new Set<NetworkSegment>();

  const routeOf = (target: GoTarget): Route | Promise<Route> => {
    const host = canonical(target.host);
    const ports = hosts.get(host);
    const route = ports?.get(target.port);
    if (route !== undefined) return route;
    const segment = [...segments].find((each) => each.has(host));
    if (segment !== undefined) return segmentRoute(segment, { ...target, host });
    throw connectError(target, { code: ports === undefined ? 'EHOSTUNREACH' : 'ECONNREFUSED' });
  };

  return {
    register(host, port, route) {
      if (!contains(ranges, host)) throw invalid(`${host} is no address of the node network`);
      if (!isPort(port)) throw invalid(`${port} is no port`);
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
      if (isIP(host) === 0) throw invalid(`${host} is no IP address`);
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
      if (!contains(ranges, target.host)) return goDial(target.host, port, { ...dial, clock });
      const route = routeOf(target);
      return follow(route instanceof Promise ? await route : route, target, { ...dial, clock });
    },
  };
}

async function segmentRoute(segment: NetworkSegment, target: GoTarget): Promise<Route> {
  const route = await segment.open(target.host, target.port);
  if (route === undefined) throw connectError(target, { code: 'ECONNREFUSED' });
  return route;
}

async function follow(
  route: Route,
  shown: GoTarget,
  options: GoDialOptions & { clock: Clock },
): Promise<Socket> {
  const deadline = startDeadline(options.clock, options.timeoutMs ?? defaultDialTimeoutMs, options.signal);
  try {
    if (route !== 'silence') return await connectTcp({ real: route, shown }, deadline);
    return await new Promise<never>((_resolve, reject) => {
      deadline.onStop((reason) => reject(stopError(shown, reason)));
    });
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
      throw invalid(`${cidr} is no address range`);
    }
    list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function contains(ranges: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && ranges.check(withoutZone(host), family === 4 ? 'ipv4' : 'ipv6');
}

/** One spelling for each address: IPv6 has many. */
function canonical(host: string): string {
  return isIP(host) === 6 ? new URL(`http://[${withoutZone(host)}]`).hostname.slice(1, -1) : host;
}

/** `fe80::1%eth0` without the interface, which means nothing here. */
function withoutZone(host: string): string {
  return host.replace(/%.*$/, '');
}

/** DNS names do not care about case or a final dot. */
function nameKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function isLocalName(name: string): boolean {
  return name === '' || nameKey(name) === 'localhost';
}

function invalid(message: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', message, { where: 'node network' });
}
