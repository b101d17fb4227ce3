import { createServer, type Server, type Socket } from 'node:net';
import { joinHostPort, splitHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { listenError, TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import { pause } from '../core/pause.js';
import { type Balance, chooseTarget, Turns } from './balance.js';
import type { FlowCounts, FlowVerdict } from './flow.js';
import { connectError } from './go-errors.js';
import type { LinkFlow } from './link-fault.js';
import type { FlowOwner, Links } from './links.js';
import type { MiddleboxCounts } from './middlebox-counts.js';

/** A port of the device and the targets of its flows. Several targets are used in turn, as by a balancer. */
export interface MiddleboxRoute {
  /** Where it listens: `HOST:PORT`. Port 0 means a free port. */
  readonly listen: string;
  /** The targets: `HOST:PORT`, or with the name that links know them by. */
  readonly to: readonly Target[];
  /** Who connects there, for the names of links: `client/any`. Default `client/HOST`. */
  readonly from?: string;
  /** How the target of a connection is chosen. Default `roundRobin`. */
  readonly balance?: Balance;
}

/** `HOST:PORT`, and the name of the part that listens there. Default name `target/HOST:PORT`. */
export type Target = string | { readonly address: string; readonly name: string };

export interface MiddleboxOptions {
  /** Its name in events: `middlebox/NAME`. Default `middlebox`. */
  readonly name?: string;
  readonly routes: readonly MiddleboxRoute[];
  /** The links that its flows pass. They close with the device's owner, not with the device. */
  readonly links: Links;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** A TCP device between two networks: a table of flows, and a balancer. Its links have the faults. */
export interface Middlebox {
  /** `HOST:PORT` of each route, in order. */
  readonly addresses: readonly string[];
  counts(): MiddleboxCounts;
  /** Forgets all flows, or those to one target (`HOST:PORT`), as a device that restarts. */
  forget(verdict: FlowVerdict, target?: string): void;
  /** Changes the targets of new flows of a route. Open flows stay. Without a target, connections are reset. */
  setTargets(route: number, to: readonly Target[]): void;
  /** Connects a new socket to a route's next target, without the listener. `from` names the link's client. */
  connect(route: number, from: string, socket: Socket): void;
  /** Stops listening. Open flows continue. */
  refuse(): void;
  /** Stops listening for `outageMs`, then listens at the same address again. Rejects as `startMiddlebox`. */
  relisten(route: number, outageMs: number): Promise<void>;
  close(): Promise<void>;
}

interface HostPort {
  readonly host: string;
  readonly port: number;
  readonly name: string;
}

/** Starts a middlebox. Rejects with CONFIG_INVALID, ADDRESS_IN_USE or ADDRESS_UNAVAILABLE. */
export async function startMiddlebox(options: MiddleboxOptions): Promise<Middlebox> {
  const device = new Device(options);
  try {
    for (const route of options.routes) await device.listen(route);
  } catch (error) {
    await device.close();
    throw error;
  }
  return device;
}

class Device implements Middlebox {
  readonly addresses: string[] = [];
  private readonly options: MiddleboxOptions;
  private readonly node: string;
  private readonly doors: Door[] = [];
  /** Its open flows, with their targets. */
  private readonly flows = new Map<LinkFlow, string>();
  /** How many clients each target has, connecting or open. */
  private readonly clients = new Map<string, number>();
  private readonly connecting = new Set<() => void>();
  private readonly past = { client: 0, target: 0, lost: 0 };
  private readonly forgotten = { drop: 0, reset: 0, fin: 0 };
  private opened = 0;
  private refused = 0;
  private closing: Promise<void> | undefined;

  constructor(options: MiddleboxOptions) {
    this.options = options;
    this.node = `middlebox/${options.name ?? 'middlebox'}`;
  }

  counts(): MiddleboxCounts {
    const sum = { ...this.past };
    for (const { machine } of this.flows.keys()) addCounts(sum, machine.counts);
    return {
      openFlows: this.flows.size,
      openedFlows: this.opened,
      refusedFlows: this.refused,
      forgottenFlows: { ...this.forgotten },
      clientBytes: sum.client,
      targetBytes: sum.target,
      lostBytes: sum.lost,
    };
  }

  forget(verdict: FlowVerdict, target?: string): void {
    for (const [{ machine }, to] of this.flows) {
      if (target === undefined || to === target) machine.stop(verdict);
    }
  }

  setTargets(route: number, to: readonly Target[]): void {
    this.door(route).targets = to.map(targetOf);
  }

  refuse(): void {
    for (const { server } of this.doors) server.close();
  }

  async relisten(route: number, outageMs: number): Promise<void> {
    const door = this.door(route);
    // Open connections continue.
    door.server.close();
    if (outageMs > 0) await pause(this.options.clock, outageMs);
    if (this.closing !== undefined) return;
    door.server = this.createServer(door);
    await startListening(door.server, address(this.addresses[route] ?? ''));
  }

  async listen({ listen, to, from, balance = 'roundRobin' }: MiddleboxRoute): Promise<void> {
    const door: Door = {
      server: createServer(),
      targets: to.map(targetOf),
      turns: new Turns(),
      from,
      balance,
    };
    door.server = this.createServer(door);
    this.doors.push(door);
    this.addresses.push(await startListening(door.server, address(listen)));
  }

  connect(route: number, from: string, socket: Socket): void {
    const target = this.choose(this.door(route), from);
    socket.on('error', () => undefined);
    if (target === undefined) {
      process.nextTick(() => socket.destroy(resetError()));
      return;
    }
    this.count(socket, target);
    this.links.connect(socket, { from, to: target.name }, target, this.owner({ peer: from, target }));
  }

  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  private get links(): Links {
    return this.options.links;
  }

  private createServer(door: Door): Server {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    server.on('connection', (client) => {
      client.on('error', () => undefined);
      const target = this.choose(door, client.remoteAddress ?? '');
      if (target === undefined) client.resetAndDestroy();
      else this.open(client, target, door.from);
    });
    return server;
  }

  private choose(door: Door, source: string): HostPort | undefined {
    return chooseTarget(door.balance, {
      targets: door.targets,
      turn: door.turns.next(door.balance, source),
      source,
      openFlows: (target) => this.clients.get(addressOf(target)) ?? 0,
      random: this.options.links.random,
    });
  }

  /** Counts a client of a target until it closes. */
  private count(client: Socket, target: HostPort): void {
    const address = addressOf(target);
    const add = (more: number): void =>
      void this.clients.set(address, (this.clients.get(address) ?? 0) + more);
    add(1);
    client.once('close', () => add(-1));
  }

  private door(route: number): Door {
    const door = this.doors[route];
    if (door !== undefined) return door;
    throw new TunnelError('CONFIG_INVALID', `there is no route ${route}`, { where: 'middlebox' });
  }

  private open(client: Socket, target: HostPort, from: string | undefined): void {
    const host = client.remoteAddress ?? '';
    const edge = { from: from ?? `client/${host}`, to: target.name };
    this.count(client, target);
    const owner = this.owner({ peer: joinHostPort(host, client.remotePort ?? 0), target });
    const leave = (): void => void client.destroy();
    const attempt = {
      failed: () => client.resetAndDestroy(),
      reached: (socket: Socket) => {
        client.off('close', abandon).off('end', leave);
        this.connecting.delete(abandon);
        if (client.destroyed) socket.destroy();
        else this.links.carry(edge, { client, target: socket }, owner);
      },
    };
    const abandon = this.links.reach(edge, target, attempt, owner);
    this.connecting.add(abandon);
    // Takes no bytes, but sees a reset, and an end without bytes before it, while the attempt waits.
    client.read(0);
    client.once('end', leave);
    client.once('close', () => {
      abandon();
      this.connecting.delete(abandon);
    });
  }

  /** Its events and counters for one flow. */
  private owner({ peer, target }: { readonly peer: string; readonly target: HostPort }): FlowOwner {
    const { clock, emit } = this.options;
    const about = { peer, address: addressOf(target) };
    const born = clock.now();
    return {
      node: this.node,
      about,
      refused: (cause) => {
        this.refused++;
        const error = connectError(target, cause).message;
        emit({ kind: 'flow.refused', node: this.node, ...about, error });
      },
      opened: (flow) => {
        this.opened++;
        this.flows.set(flow, about.address);
        emit({ kind: 'flow.opened', node: this.node, flow: flow.number, ...about });
      },
      stopped: (verdict) => {
        this.forgotten[verdict]++;
      },
      closed: (flow, end) => {
        this.flows.delete(flow);
        const { client: clientBytes, target: targetBytes, lost: lostBytes } = flow.machine.counts;
        addCounts(this.past, flow.machine.counts);
        const bytes = { clientBytes, targetBytes, lostBytes };
        const durationMs = clock.now() - born;
        emit({
          kind: 'flow.closed',
          node: this.node,
          flow: flow.number,
          ...about,
          end,
          ...bytes,
          durationMs,
        });
      },
    };
  }

  private async stop(): Promise<void> {
    const closed = this.doors.map(
      ({ server }) =>
        new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve())),
    );
    for (const abandon of this.connecting) abandon();
    for (const flow of [...this.flows.keys()]) flow.destroy();
    await Promise.all(closed);
  }
}

interface Door {
  server: Server;
  targets: readonly HostPort[];
  readonly turns: Turns;
  readonly from: string | undefined;
  readonly balance: Balance;
}

/** Resolves with `HOST:PORT`. */
function startListening(server: Server, { host, port }: HostPort): Promise<string> {
  return new Promise((resolve, reject) => {
    server.on('error', (cause) => reject(listenError(cause, joinHostPort(host, port), 'middlebox')));
    server.listen(port, host, () => {
      const taken = server.address();
      resolve(joinHostPort(host, typeof taken === 'object' && taken !== null ? taken.port : port));
    });
  });
}

function addCounts(sum: { client: number; target: number; lost: number }, more: FlowCounts): void {
  sum.client += more.client;
  sum.target += more.target;
  sum.lost += more.lost;
}

function targetOf(target: Target): HostPort {
  return typeof target === 'string' ? address(target) : { ...address(target.address), name: target.name };
}

function address(text: string): HostPort {
  const parts = splitHostPort(text);
  if (parts !== undefined) return { ...parts, name: `target/${text}` };
  throw new TunnelError('CONFIG_INVALID', `${text} is not HOST:PORT`, { where: 'middlebox' });
}

function addressOf({ host, port }: HostPort): string {
  return joinHostPort(host, port);
}

/** What a client of a balancer without targets sees. */
function resetError(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
}
