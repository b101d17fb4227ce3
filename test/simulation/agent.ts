import { createAgentObserver } from '../../src/agent/observer.js';
import { agentDefaults } from '../../src/agent/options.js';
import { AgentMachine, createConnectIds } from '../../src/core/agent/machine.js';
import type { AgentObserver } from '../../src/core/agent/state.js';
import { SyncSchedule, wantedServers } from '../../src/core/agent/sync.js';
import type { Timer } from '../../src/core/clock.js';
import type { Packet } from '../../src/core/packet.js';
import { endpointKinds, MemoryEndpoint } from './endpoint.js';
import type { Flow, Link } from './network.js';
import type { MemoryServer, Welcome } from './server.js';
import { packetFlow, type Surroundings, takeTurns } from './surroundings.js';

export interface MemoryAgentOptions {
  /** `node-1`. */
  readonly name: string;
  /** Two agents may have the same. */
  readonly agentId: string;
  /** The servers behind the address that it connects to; a balancer gives it any of them. */
  readonly servers: readonly MemoryServer[];
  readonly linkTo: (server: MemoryServer) => Link;
}

interface ServerStream {
  readonly flow: Flow<Packet>;
  readonly machine: AgentMachine;
  readonly startedAt: number;
  serverId: string;
}

/** An agent whose streams are in memory. It looks for servers as `agent/agent.ts` does. */
export class MemoryAgent {
  readonly name: string;
  readonly streams = new Map<string, ServerStream>();
  state: 'up' | 'draining' | 'down' = 'down';
  private readonly world: Surroundings;
  private readonly options: MemoryAgentOptions;
  private nextConnectId = createConnectIds();
  private schedule: SyncSchedule;
  private attempt: ServerStream | undefined;
  private announced: number | undefined;
  private timer: Timer | undefined;

  constructor(world: Surroundings, options: MemoryAgentOptions) {
    this.world = world;
    this.options = options;
    this.name = options.name;
    this.schedule = new SyncSchedule(agentDefaults.sync, world.random);
  }

  private get node(): string {
    return `agent/${this.name}`;
  }

  /** Starts a new process, which knows nothing of the one before. */
  start(): void {
    if (this.state !== 'down') return;
    this.state = 'up';
    this.nextConnectId = createConnectIds();
    this.schedule = new SyncSchedule(agentDefaults.sync, this.world.random);
    this.announced = undefined;
    this.world.emit({ kind: 'role.started', node: this.node });
    this.sync();
  }

  /** Ends the process. `silent`: with its host, so that no server is told. */
  stop(silent: boolean): void {
    if (this.state === 'down') return;
    this.state = 'down';
    this.timer?.cancel();
    this.world.emit({ kind: 'role.killed', node: this.node });
    const streams = [...this.streams.values(), ...(this.attempt === undefined ? [] : [this.attempt])];
    for (const { flow } of streams) flow.dialler.die(silent);
    for (const { flow } of streams) flow.dialler.cut();
  }

  drain(): void {
    if (this.state !== 'up') return;
    this.state = 'draining';
    this.timer?.cancel();
    this.world.emit({ kind: 'agent.draining', node: this.node });
    for (const { machine } of this.streams.values()) machine.drain();
  }

  private sync(): void {
    if (this.wantsMore()) this.attempt = this.connect();
    else this.again(this.schedule.afterSuccess());
  }

  private wantsMore(): boolean {
    return this.streams.size < wantedServers(this.announced);
  }

  private connect(): ServerStream {
    const { world, options } = this;
    const { clock, random, extensions } = world;
    const { servers, linkTo, agentId, name } = options;
    const hosts = endpointKinds.map((kind) => `${kind}.${name}`);
    const server = servers[random.below(servers.length)] ?? servers[0];
    if (server === undefined) throw new Error('a simulation needs a server');
    const flow = packetFlow(world, linkTo(server));
    const end = flow.dialler;
    const machine = this.createMachine(flow, () => stream.serverId);
    const stream: ServerStream = { flow, machine, startedAt: clock.now(), serverId: '' };
    const silent = clock.after(agentDefaults.connectTimeoutMs, () => end.cancel());
    takeTurns(end, world);
    const owner = {
      packet: (packet: Packet) => machine.handlePacket(packet),
      ended: () => {
        silent.cancel();
        machine.serverLost();
        this.lost(stream);
      },
    };
    flow.serve(end, world.packetFaults.before(end, owner));
    world.emit({ kind: 'agent.connecting', node: this.node, address: server.node });
    const welcome = (words: Welcome): void => {
      silent.cancel();
      if (!end.over) this.welcomed(stream, words);
    };
    server.meet(flow, () => server.acceptAgent(flow, { agentId, hosts, extensions, welcome }));
    return stream;
  }

  private welcomed(stream: ServerStream, { serverId, serverCount, agreed }: Welcome): void {
    const { machine, flow } = stream;
    stream.serverId = serverId;
    if (agreed.includes('fc1')) machine.agreeOnCredits();
    if (agreed.includes('ids1')) machine.agreeOnIds();
    if (this.state !== 'up' || this.streams.has(serverId)) return flow.dialler.cancel();
    this.attempt = undefined;
    this.streams.set(serverId, stream);
    this.announced = serverCount;
    this.world.emit({ kind: 'agent.connected', node: this.node, peer: `server/${serverId}` });
    const delayMs = this.schedule.afterSuccess();
    this.again(this.wantsMore() ? this.soonMs() : delayMs);
  }

  private lost(stream: ServerStream): void {
    const { serverId } = stream;
    if (this.attempt === stream) return this.attemptFailed(serverId);
    if (this.streams.get(serverId) !== stream) return;
    this.streams.delete(serverId);
    this.world.emit({ kind: 'agent.disconnected', node: this.node, peer: `server/${serverId}` });
    if (this.attempt !== undefined) return;
    const shortLived = this.world.clock.now() - stream.startedAt < agentDefaults.sync.intervalMs;
    this.again(shortLived ? this.schedule.afterFailure() : this.soonMs(this.schedule.afterLoss()));
  }

  /** With a server ID it was welcomed by one that it has already. */
  private attemptFailed(serverId: string): void {
    this.attempt = undefined;
    const duplicate = serverId !== '';
    this.again(duplicate ? this.schedule.afterSuccess() : this.schedule.afterFailure());
  }

  private soonMs(leastMs = 0): number {
    return this.world.faithful.has('sync-waits-interval') ? this.schedule.afterSuccess() : leastMs;
  }

  private again(delayMs: number): void {
    this.timer?.cancel();
    if (this.state === 'up') this.timer = this.world.clock.after(delayMs, () => this.sync());
  }

  private createMachine(flow: Flow<Packet>, serverId: () => string): AgentMachine {
    const { clock, random, faithful, callOf } = this.world;
    const perServer = faithful.has('connect-ids-per-server');
    const machine: AgentMachine = new AgentMachine({
      ...{ clock, faithful, server: flow.dialler, dialTimeoutMs: agentDefaults.dialTimeoutMs },
      nextConnectId: perServer ? createConnectIds() : this.nextConnectId,
      observer: this.observer(serverId),
      openEndpoint: (endpoint) =>
        new MemoryEndpoint({ clock, random, machine, endpoint, call: callOf(endpoint.dialId) }),
    });
    return machine;
  }

  private observer(serverId: () => string): AgentObserver {
    const { emit, ledgers } = this.world;
    const { agentDials, endpoints } = ledgers;
    const events = createAgentObserver({ emit, name: this.name }, serverId);
    return {
      packet: (direction, packet) => events.packet(direction, packet),
      dialStarted(endpoint) {
        agentDials.begin(endpoint);
        events.dialStarted(endpoint);
      },
      dialSucceeded(endpoint, tookMs) {
        agentDials.end(endpoint);
        endpoints.begin(endpoint);
        events.dialSucceeded(endpoint, tookMs);
      },
      dialFailed(endpoint, text, reason) {
        agentDials.end(endpoint);
        events.dialFailed(endpoint, text, reason);
      },
      endpointClosed(endpoint, livedMs, reason) {
        endpoints.end(endpoint);
        events.endpointClosed(endpoint, livedMs, reason);
      },
    };
  }
}
