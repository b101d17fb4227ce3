import { linkSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { TunnelError } from '../core/errors.js';
import type { OpenPath } from '../core/packet-path.js';
import type { ServerBelief } from '../core/server/connection-view.js';
import type { StrategyName } from '../core/strategy.js';
import type { Balance } from '../links/balance.js';
import type { FaultyPart } from '../links/fault-set.js';
import type { FlowVerdict } from '../links/flow.js';
import { type Middlebox, startMiddlebox, type Target } from '../links/middlebox.js';
import type { LabPart } from './part.js';
import { type LabContext, type ServerPart, serverPart } from './parts.js';
import { takeSocket } from './socket-fault.js';

export const maxServers = 9;

export interface ServersOptions {
  readonly context: LabContext;
  /** The number of servers, 1 to 9. */
  readonly count: number;
  readonly announced: number;
  readonly agentPort: number;
  readonly strategies: readonly StrategyName[];
  readonly balance: Balance;
}

/** How a client reaches a server. */
interface Frontend {
  readonly address: string;
  readonly serverName: string;
  readonly openSocket: () => Socket;
  readonly openPath: OpenPath;
}

interface Server {
  readonly name: string;
  readonly socketPath: string;
  readonly server: ServerPart;
}

const host = '127.0.0.1';

/** A lab's proxy-servers. Several share one address for agents, which forwards to the running ones in turn. */
export class Servers {
  private readonly options: ServersOptions;
  private readonly servers: readonly Server[];
  private box: Middlebox | undefined;
  private stopping = false;
  /** Those that the balancer has no more, though they run: by a fault, or because they end. */
  private readonly removed = new Set<string>();
  private readonly leaving = new Set<string>();

  /** Throws CONFIG_INVALID. */
  constructor(options: ServersOptions) {
    checkNumber('servers', options.count);
    checkNumber('serverCount', options.announced);
    this.options = options;
    this.servers = Array.from({ length: options.count }, (_, index) => this.make(index + 1));
  }

  get parts(): readonly LabPart[] {
    return this.servers.map((server) => this.handle(server));
  }

  get names(): readonly string[] {
    return this.servers.map(({ server }) => server.part.name);
  }

  /** Where agents connect, whether a server runs or not. */
  get agentAddress(): string {
    return this.box?.addresses[0] ?? this.first.server.agentAddress();
  }

  /** Connects a new socket to the server that the balancer chooses, or to the only one. `from` is the agent's name. */
  connect(from: string, socket = new Socket()): Socket {
    socket.on('error', () => undefined);
    if (this.box !== undefined) {
      this.box.connect(0, from, socket);
      return socket;
    }
    const { part, agentAddress } = this.first.server;
    const port = Number(agentAddress().split(':').at(-1));
    this.options.context.links.connect(socket, { from, to: part.name }, { host, port });
    return socket;
  }

  /** What faults do to one of the servers. */
  deeds(name: string): FaultyPart['deeds'] {
    const server = this.servers.find(({ server: { part } }) => part.name === name);
    if (server === undefined) return {};
    return {
      frontendSocket: ({ is }) => takeSocket(server.socketPath, is),
      ...(this.box === undefined
        ? {}
        : { removeTarget: ({ flows }) => this.removeTarget(server.server, flows) }),
    };
  }

  /** Returns how the server becomes a target again. */
  private removeTarget({ part, agentAddress }: ServerPart, flows: FlowVerdict | 'keep'): () => void {
    this.removed.add(part.name);
    this.retarget();
    if (flows !== 'keep') this.box?.forget(flows, agentAddress());
    return () => {
      this.removed.delete(part.name);
      this.retarget();
    };
  }

  /** Where each server listens for frontends: `unix://PATH`. */
  get frontendAddresses(): readonly string[] {
    return this.servers.map(({ socketPath }) => `unix://${socketPath}`);
  }

  /** The server that API replica `replica` uses, counted from 1. `from` is who dials. */
  beside(replica: number, from: string): Frontend {
    const { socketPath: path, server } = this.servers[(replica - 1) % this.servers.length] ?? this.first;
    const serverName = server.part.name;
    const { links } = this.options.context;
    return {
      address: `unix://${path}`,
      serverName,
      openSocket: () => links.open({ from, to: serverName }, { path }),
      openPath: links.faults.path({ from, to: serverName }, 'client'),
    };
  }

  /** True when every agent connects to every server. */
  get isWhole(): boolean {
    return this.options.announced >= this.servers.length;
  }

  open(): { readonly frontends: number; readonly pendingDials: number; readonly established: number } {
    const sum = { frontends: 0, pendingDials: 0, established: 0 };
    for (const { server } of this.running) {
      const { frontends, pendingDials, established } = server.part.value.snapshot();
      sum.frontends += frontends;
      sum.pendingDials += pendingDials;
      sum.established += established;
    }
    return sum;
  }

  /** How many agents each running server has. */
  connected(): readonly { readonly name: string; readonly agents: number }[] {
    return this.running.map(({ name, server }) => ({
      name,
      agents: server.part.value.snapshot().backends,
    }));
  }

  /** What each running server holds, by its name. */
  beliefs(): readonly (readonly [string, readonly ServerBelief[]])[] {
    return this.running.map(({ server: { part } }) => [part.name, part.value.beliefs()] as const);
  }

  /** How many connections these agents still look for. */
  missing(agents: number): number {
    const backends = this.running.map(({ server }) => server.part.value.snapshot().backends);
    const { announced } = this.options;
    if (announced >= backends.length)
      return backends.reduce((total, some) => total + Math.max(0, agents - some), 0);
    return Math.max(0, agents * announced - backends.reduce((total, some) => total + some, 0));
  }

  /** The same as the agents see it: to how many servers each is connected. */
  missingAt(agents: readonly number[]): number {
    const wanted = Math.min(this.options.announced, this.running.length);
    return agents.reduce((total, servers) => total + Math.max(0, wanted - servers), 0);
  }

  async start(): Promise<void> {
    const ends = await Promise.allSettled(this.servers.map(({ server }) => server.part.start()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    if (this.servers.length === 1) return;
    const { clock, emit, links } = this.options.context;
    const routes = [
      {
        listen: `${host}:${this.options.agentPort}`,
        to: this.targets(),
        from: 'agent/any',
        balance: this.options.balance,
      },
    ];
    this.box = await startMiddlebox({ name: 'servers', routes, links, clock, emit });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.box?.close();
    await Promise.all(this.servers.map(({ server }) => server.part.close()));
  }

  private get first(): Server {
    const [first] = this.servers;
    if (first !== undefined) return first;
    throw new TunnelError('INTERNAL', 'there is no proxy-server', { where: 'servers' });
  }

  private get running(): readonly Server[] {
    return this.servers.filter(({ server }) => server.part.running);
  }

  private make(number: number): Server {
    const { context, count, announced: serverCount, agentPort, strategies } = this.options;
    const name = `server-${number}`;
    const socketPath = join(context.folder, `${name}.sock`);
    const own = { name, serverCount, socketPath, agentPort: count === 1 ? agentPort : 0, strategies };
    return { name, socketPath, server: serverPart(context, own) };
  }

  private targets(): readonly Target[] {
    const targets = this.running.map(({ server: { part, agentAddress } }) => ({
      address: agentAddress(),
      name: part.name,
    }));
    return targets.filter(({ name }) => !this.removed.has(name) && !this.leaving.has(name));
  }

  /** Forwards to the servers that run, as a balancer with health checks. */
  private retarget(): void {
    if (!this.stopping) this.box?.setTargets(0, this.targets());
  }

  private handle({ server: { part }, socketPath }: Server): LabPart {
    const kill = async (): Promise<void> => {
      const killed = part.running ? leavingSocket(socketPath, () => part.kill()) : Promise.resolve();
      this.retarget();
      await killed;
    };
    const start = async (): Promise<void> => {
      await part.start();
      this.retarget();
    };
    return {
      name: part.name,
      get running() {
        return part.running;
      },
      kill,
      stop: async (options) => {
        this.leaving.add(part.name);
        this.retarget();
        await part.stop(options).finally(() => this.leaving.delete(part.name));
      },
      drain: () => part.drain(),
      start,
      restart: async () => {
        await kill();
        await start();
      },
    };
  }
}

/** A killed process leaves its socket behind, and a dial there is refused. A listener that closes removes it. */
async function leavingSocket(path: string, kill: () => Promise<void>): Promise<void> {
  const kept = `${path}.kept`;
  let isKept = true;
  try {
    linkSync(path, kept);
  } catch {
    // This file system links no sockets.
    isKept = false;
  }
  await kill();
  if (isKept) await rename(kept, path);
}

function checkNumber(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maxServers) return;
  const message = `${name} must be a whole number from 1 to ${maxServers}, not ${value}`;
  throw new TunnelError('CONFIG_INVALID', message, { where: name });
}
