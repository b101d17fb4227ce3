import { connect, createServer, type Server, type Socket } from 'node:net';
import { joinHostPort, splitHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { listenError, TunnelError } from '../core/errors.js';
import type { EventSink, FlowEvent } from '../core/events.js';
import { pause } from '../core/pause.js';
import type { FlowCounts, FlowPolicy, IdleVerdict } from './flow.js';
import { connectError } from './go-errors.js';
import type { MiddleboxCounts } from './middlebox-counts.js';
import { type FlowSockets, MiddleboxFlow } from './middlebox-flow.js';

/** A port of the device and the targets of its flows. Several targets are used in turn, as by a balancer. */
export interface MiddleboxRoute {
  /** Where it listens: `HOST:PORT`. Port 0 means a free port. */
  readonly listen: string;
  /** `HOST:PORT` of each target. */
  readonly to: readonly string[];
}

export interface MiddleboxOptions {
  /** Its name in events: `middlebox/NAME`. Default `middlebox`. */
  readonly name?: string;
  readonly routes: readonly MiddleboxRoute[];
  /** When idle flows are forgotten. Default: never. */
  readonly policy?: FlowPolicy;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** A TCP device between two networks, with a table of flows and an idle timer for each. */
export interface Middlebox {
  /** `HOST:PORT` of each route, in order. */
  readonly addresses: readonly string[];
  counts(): MiddleboxCounts;
  /** Changes the policy, also of open flows. */
  setPolicy(policy: FlowPolicy): void;
  /** Forgets all flows, or those to one target (`HOST:PORT`), as a device that restarts. */
  forget(verdict: IdleVerdict, target?: string): void;
  /** Changes the targets of new flows of a route. Open flows stay. Without a target, connections are reset. */
  setTargets(route: number, to: readonly string[]): void;
  /** Stops listening for `outageMs`, then listens at the same address again. Rejects as `startMiddlebox`. */
  relisten(route: number, outageMs: number): Promise<void>;
  close(): Promise<void>;
}

export const noIdleTimer: FlowPolicy = { idleTimeoutMs: 0, onIdle: 'drop' };

interface HostPort {
  readonly host: string;
  readonly port: number;
}

type FlowEnds = Required<Pick<FlowEvent, 'peer' | 'address'>>;

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
  private readonly flows = new Map<string, { readonly flow: MiddleboxFlow; readonly target: string }>();
  private readonly connecting = new Set<Socket>();
  private readonly past = { client: 0, target: 0, lost: 0 };
  private readonly forgotten = { drop: 0, reset: 0 };
  private policy: FlowPolicy;
  private opened = 0;
  private refused = 0;
  private closing: Promise<void> | undefined;

  constructor(options: MiddleboxOptions) {
    this.options = options;
    this.node = `middlebox/${options.name ?? 'middlebox'}`;
    this.policy = options.policy ?? noIdleTimer;
  }

  counts(): MiddleboxCounts {
    const sum = { ...this.past };
    for (const { flow } of this.flows.values()) addCounts(sum, flow.counts);
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

  setPolicy(policy: FlowPolicy): void {
    this.policy = policy;
    for (const { flow } of this.flows.values()) flow.reconsider();
  }

  forget(verdict: IdleVerdict, target?: string): void {
    for (const each of this.flows.values()) {
      if (target === undefined || each.target === target) each.flow.forget(verdict);
    }
  }

  setTargets(route: number, to: readonly string[]): void {
    this.door(route).targets = to.map(address);
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

  async listen({ listen, to }: MiddleboxRoute): Promise<void> {
    const door: Door = { server: createServer(), targets: to.map(address), turn: 0 };
    door.server = this.createServer(door);
    this.doors.push(door);
    this.addresses.push(await startListening(door.server, address(listen)));
  }

  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  private createServer(door: Door): Server {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    server.on('connection', (client) => {
      client.on('error', () => undefined);
      const target = door.targets[door.turn++ % door.targets.length];
      if (target === undefined) client.resetAndDestroy();
      else this.open(client, target);
    });
    return server;
  }

  private door(route: number): Door {
    const door = this.doors[route];
    if (door !== undefined) return door;
    throw new TunnelError('CONFIG_INVALID', `there is no route ${route}`, { where: 'middlebox' });
  }

  private open(client: Socket, target: HostPort): void {
    const ends = {
      peer: joinHostPort(client.remoteAddress ?? '', client.remotePort ?? 0),
      address: joinHostPort(target.host, target.port),
    };
    const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.connecting.add(socket);
    const abandon = (): void => void socket.destroy();
    client.once('close', abandon);
    socket.on('error', (cause) => {
      if (this.connecting.has(socket)) this.refuse(ends, connectError(target, cause).message);
    });
    socket.once('close', () => this.connecting.delete(socket) && client.resetAndDestroy());
    socket.once('connect', () => {
      client.off('close', abandon);
      this.connecting.delete(socket);
      this.add({ client, target: socket }, ends);
    });
  }

  private refuse(ends: FlowEnds, error: string): void {
    this.refused++;
    this.options.emit({ kind: 'flow.refused', node: this.node, ...ends, error });
  }

  private add(sockets: FlowSockets, ends: FlowEnds): void {
    const flow = String(++this.opened);
    const { clock, emit } = this.options;
    const about = { node: this.node, flow, ...ends };
    const born = clock.now();
    emit({ kind: 'flow.opened', ...about });
    const made = new MiddleboxFlow(sockets, clock, {
      policy: () => this.policy,
      forgotten: (verdict, idleMs) => {
        this.forgotten[verdict]++;
        emit({ kind: 'flow.forgotten', ...about, verdict, idleMs, text: forgottenText[verdict] });
      },
      lost: (from, lostBytes) =>
        emit({ kind: 'flow.lost', ...about, from, lostBytes, text: 'and all later bytes' }),
      closed: (end) => {
        this.flows.delete(flow);
        addCounts(this.past, made.counts);
        const { client, target, lost } = made.counts;
        const bytes = { clientBytes: client, targetBytes: target, lostBytes: lost };
        emit({ kind: 'flow.closed', ...about, end, ...bytes, durationMs: clock.now() - born });
      },
    });
    this.flows.set(flow, { flow: made, target: ends.address });
  }

  private async stop(): Promise<void> {
    const closed = this.doors.map(
      ({ server }) =>
        new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve())),
    );
    for (const socket of this.connecting) socket.destroy();
    for (const { flow } of this.flows.values()) flow.destroy();
    await Promise.all(closed);
  }
}

interface Door {
  server: Server;
  targets: readonly HostPort[];
  /** Counts connections. */
  turn: number;
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

const forgottenText = {
  drop: 'neither end is told; bytes are lost from now on',
  reset: 'both ends are told',
} as const;

function addCounts(sum: { client: number; target: number; lost: number }, more: FlowCounts): void {
  sum.client += more.client;
  sum.target += more.target;
  sum.lost += more.lost;
}

function address(text: string): HostPort {
  const parts = splitHostPort(text);
  if (parts !== undefined) return parts;
  throw new TunnelError('CONFIG_INVALID', `${text} is not HOST:PORT`, { where: 'middlebox' });
}
