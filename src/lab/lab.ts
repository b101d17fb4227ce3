import type { Duplex } from 'node:stream';
import type { Agent } from '../agent/agent.js';
import { renderKubeconfig } from '../apiserver/kubeconfig.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import { TunnelError } from '../core/errors.js';
import type { EventKind, LabEvent } from '../core/events.js';
import { pause } from '../core/pause.js';
import type { EventOf, EventPattern } from '../observe/event-match.js';
import type { EventPredicate, Journal, WaitOptions } from '../observe/journal.js';
import { drawLadder, type LadderOptions } from '../observe/ladder.js';
import type { DialOptions } from '../wire/client/dialer.js';
import type { TunnelClient } from '../wire/client/tunnel-client.js';
import type {
  ClusterClient,
  LogOptions,
  PodTarget,
  PortForward,
  PortForwardOptions,
} from './cluster-client.js';
import { type ExecOptions, type ExecOutcome, execAndGather } from './exec-call.js';
import type { ApiAddress, RunningKubelet } from './kubelet-part.js';
import type { LabPart, RestartablePart } from './part.js';
import type { LabContext } from './parts.js';
import type { ApiServerReplica, ApiServers, Replicas } from './replicas.js';
import { type LabWatch, type LabWatchOptions, startLabWatch, type WatchedName } from './replicas-watch.js';
import type { Servers } from './servers.js';
import type { NodeSpec, Topology } from './topology.js';
import type { WorkFolder } from './work-folder.js';

/** What is open at one moment, for leak checks: all zero in a lab at rest. */
export interface OpenCounts {
  readonly frontends: number;
  readonly pendingDials: number;
  readonly established: number;
  readonly endpoints: number;
  readonly kubeletRequests: number;
  readonly tunnelConnections: number;
}

export interface LabParts {
  readonly servers: Servers;
  readonly kubelets: readonly RestartablePart<RunningKubelet>[];
  readonly agents: readonly RestartablePart<Agent>[];
  readonly apiservers: Replicas;
}

/** What a Lab is made of; only `startLab` makes one. */
export interface LabInsides {
  readonly seed: number;
  readonly context: LabContext;
  readonly topology: Topology;
  readonly journal: Journal;
  readonly folder: WorkFolder;
  /** What the façade serves; it outlives restarts. */
  readonly store: LocalStore;
  readonly api: ApiAddress;
  readonly parts: LabParts;
  readonly clients: {
    readonly lab: TunnelClient;
    readonly cluster: ClusterClient;
  };
}

/** How often a condition is looked at, lab ms. */
const settleStepMs = 2;

/**
 * A whole simulated cluster in this process: API façade, proxy-server, and nodes with agent and kubelet. It has no
 * half-started state: `startLab` resolves with a lab that is ready, or rejects and leaves nothing behind.
 */
export class Lab implements AsyncDisposable {
  private readonly insides: LabInsides;
  private stopping: Promise<void> | undefined;
  private readonly watches: LabWatch[] = [];

  constructor(insides: LabInsides) {
    this.insides = insides;
  }

  /** Repeats this lab's random choices: `startLab({ seed })`. */
  get seed(): number {
    return this.insides.seed;
  }

  get nodes(): readonly NodeSpec[] {
    return this.insides.topology.nodes;
  }

  get topology(): Topology {
    return this.insides.topology;
  }

  /** The lab's own tunnel client: `dial` gives a Duplex to any address that an agent can reach. */
  get tunnel(): TunnelClient {
    return this.insides.clients.lab;
  }

  /** exec, logs and port-forward with the caller's own streams. */
  get cluster(): ClusterClient {
    return this.insides.clients.cluster;
  }

  /** `https://127.0.0.1:PORT` of the API façade. */
  get apiServerUrl(): string {
    return this.insides.parts.apiservers.url;
  }

  /** `unix://PATH`: the first proxy-server's frontend. */
  get frontendAddress(): string {
    return this.frontendAddresses[0] ?? '';
  }

  /** The same of each proxy-server. */
  get frontendAddresses(): readonly string[] {
    return this.insides.parts.servers.frontendAddresses;
  }

  /** `127.0.0.1:PORT`: where agents connect. */
  get agentAddress(): string {
    return this.insides.parts.servers.agentAddress;
  }

  /** A kubeconfig with administrator's rights, as YAML. It holds a private key. */
  get kubeconfig(): string {
    const { ca, leaves } = this.insides.context.certificates;
    return renderKubeconfig({
      name: 'konnsim',
      server: this.apiServerUrl,
      caPem: ca.certPem,
      credential: leaves.admin,
    });
  }

  /** The certificates of the lab, for parts of your own. */
  get certificates(): LabContext['certificates'] {
    return this.insides.context.certificates;
  }

  /** A byte stream to `host:port` through the tunnel. */
  dial(host: string, port: number, options?: DialOptions): Promise<Duplex> {
    return this.tunnel.dial(host, port, options);
  }

  exec(target: PodTarget, command: readonly string[], options: ExecOptions = {}): Promise<ExecOutcome> {
    return execAndGather(this.cluster, target, command, options);
  }

  logs(target: PodTarget, options?: LogOptions): AsyncGenerator<Uint8Array> {
    return this.cluster.logs(target, options);
  }

  portForward(target: PodTarget, port: number, options?: PortForwardOptions): Promise<PortForward> {
    return this.cluster.portForward(target, port, options);
  }

  /** One part by its name: `agent/node-1`, `kubelet/node-1`, `server/server-1`, `apiserver/main`. */
  part(name: string): LabPart {
    const found = this.parts().find((part) => part.name === name);
    if (found !== undefined) return found;
    const names = this.parts().map((part) => part.name);
    throw new TunnelError('NODE_NOT_FOUND', `no part is called ${name}; there are ${names.join(', ')}`);
  }

  /** All replicas of the API façade, and their address. */
  get apiservers(): ApiServers {
    return this.insides.parts.apiservers;
  }

  /** One replica of the API façade, from 1 on. Throws NODE_NOT_FOUND. */
  apiserver(number = 1): ApiServerReplica {
    return this.insides.parts.apiservers.replica(number);
  }

  /** A controller that lists and watches; losses of its watch are in the journal. It ends with the lab. */
  watch(name: WatchedName, options: LabWatchOptions = {}): LabWatch {
    const watch = startLabWatch(this.insides.context, this.apiServerUrl, { ...options, name });
    this.watches.push(watch);
    return watch;
  }

  /** Ends a container's run and starts the next, so that it has a previous log. Throws POD_NOT_FOUND, CONTAINER_NOT_FOUND. */
  restartContainer(target: PodTarget, container?: string): void {
    const { node, ref } = this.cluster.locate(target, container);
    const kubelet = this.insides.parts.kubelets.find((part) => part.name === `kubelet/${node}`);
    kubelet?.value.runtime.restartContainer(ref);
  }

  /** All parts, in the order in which a request meets them. */
  parts(): readonly LabPart[] {
    const { apiservers, servers, agents, kubelets } = this.insides.parts;
    return [...apiservers.parts, ...servers.parts, ...agents, ...kubelets].map((part) => this.withMesh(part));
  }

  /** The journal's events that are still held, oldest first. */
  events(): readonly LabEvent[] {
    return this.insides.journal.events();
  }

  /** The journal's present end, to be given as `since` to `waitFor`. */
  mark(): number {
    return this.insides.journal.mark();
  }

  /** The first event that matches, past or to come. Rejects with WAIT_TIMEOUT, which names the nearest miss. */
  waitFor<K extends EventKind>(wanted: EventPattern<K>, options?: WaitOptions): Promise<EventOf<K>>;
  waitFor(wanted: EventPredicate, options?: WaitOptions): Promise<LabEvent>;
  waitFor(wanted: EventPattern | EventPredicate, options?: WaitOptions): Promise<LabEvent> {
    return this.insides.journal.waitFor(wanted as EventPredicate, options);
  }

  /** Calls `listener` for each later event. Returns how to end that. */
  onEvent(listener: (event: LabEvent) => void): () => void {
    return this.insides.journal.subscribe(listener);
  }

  /** The packets of one request as a picture in text. */
  ladder(request: string, options?: LadderOptions): string {
    return drawLadder(this.events(), { request }, options);
  }

  /** What is open now. */
  open(): OpenCounts {
    const { parts, clients } = this.insides;
    const running = <T>(all: readonly RestartablePart<T>[]): readonly T[] =>
      all.filter((part) => part.running).map((part) => part.value);
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
    return {
      ...parts.servers.open(),
      endpoints: sum(running(parts.agents).map((agent) => agent.snapshot().endpoints)),
      kubeletRequests: sum(running(parts.kubelets).map(({ kubelet }) => kubelet.openRequests)),
      tunnelConnections: clients.lab.openConnections + parts.apiservers.tunnelConnections,
    };
  }

  /**
   * Resolves when nothing is open any more: every request is over, and its last packet has arrived. Rejects with
   * WAIT_TIMEOUT, which says what is still open, after `withinMs` of lab time (default 5000).
   */
  async settled({ withinMs = 5000 }: { readonly withinMs?: number } = {}): Promise<void> {
    const open = (): string[] =>
      Object.entries(this.open())
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${name} ${count}`);
    await this.until(() => open().length === 0, {
      withinMs,
      still: () => `still open: ${open().join(', ')}`,
    });
  }

  /** A part whose `start` resolves when requests can pass it: agents that can connect have connected. */
  private withMesh(part: LabPart): LabPart {
    const start = async (): Promise<void> => {
      await part.start();
      await this.meshed();
    };
    return {
      name: part.name,
      get running() {
        return part.running;
      },
      kill: () => part.kill(),
      start,
      restart: async () => {
        await part.kill();
        await start();
      },
    };
  }

  /** Every running agent is connected to all running servers that it looks for; at once when there is none. */
  private async meshed(): Promise<void> {
    const { servers, agents } = this.insides.parts;
    const missing = (): number => servers.missing(agents.filter((agent) => agent.running).length);
    await this.until(() => missing() === 0, {
      withinMs: 30_000,
      still: () => `${missing()} agents not connected`,
    });
  }

  private async until(
    done: () => boolean,
    { withinMs, still }: { readonly withinMs: number; readonly still: () => string },
  ): Promise<void> {
    const { clock } = this.insides.context;
    const deadline = clock.now() + withinMs;
    while (!done()) {
      if (clock.now() > deadline) {
        throw new TunnelError('WAIT_TIMEOUT', `after ${withinMs} ms: ${still()}`, { where: 'lab' });
      }
      // What is waited for need not be an event of the journal, such as the end of a gRPC stream; so this looks again.
      await pause(clock, settleStepMs);
    }
  }

  /** Ends everything, in the order in which nobody misses anybody. Again does nothing. */
  stop(): Promise<void> {
    this.stopping ??= Promise.all(this.watches.map((watch) => watch.close())).then(() =>
      stopAll(this.insides),
    );
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Ends all parts of a lab, also of one that did not come up. */
export async function stopAll({ parts, clients, journal, folder }: LabInsides): Promise<void> {
  await clients.cluster.close();
  const kubelets = parts.kubelets.filter((part) => part.running);
  await Promise.all(kubelets.map((part) => part.value.source.close()));
  await parts.apiservers.stop();
  await clients.lab.close();
  await Promise.all(parts.agents.map((part) => part.stop()));
  await parts.servers.stop();
  await Promise.all(parts.kubelets.map((part) => part.stop()));
  await folder.remove();
  journal.emit({ kind: 'lab.stopped', node: 'lab/lab' });
  journal.close();
}
