import type { Duplex } from 'node:stream';
import { renderKubeconfig } from '../apiserver/kubeconfig.js';
import { TunnelError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import type { CertificateSet } from '../pki/certificate-set.js';
import type { Dialer, DialOptions } from '../wire/client/dialer.js';
import type {
  ClusterClient,
  LogOptions,
  PodTarget,
  PortForward,
  PortForwardOptions,
} from './cluster-client.js';
import { type ConnectionView, connectionsOf } from './connections.js';
import { type ExecOptions, type ExecOutcome, execAndGather } from './exec-call.js';
import { faultyPart } from './faulty-part.js';
import { Freezer } from './freezer.js';
import { checkInvariants, type InvariantOptions } from './invariants.js';
import { LabFaults } from './lab-faults.js';
import { type LabInsides, stopAll } from './lab-insides.js';
import { countOpen, type OpenCounts } from './open-counts.js';
import type { LabOptions } from './options.js';
import type { FreezablePart } from './part.js';
import { partHandle } from './part-handle.js';
import type { ApiServerReplica, ApiServers } from './replicas.js';
import { type LabWatch, type LabWatchOptions, startLabWatch, type WatchedName } from './replicas-watch.js';
import { type RollOptions, roll } from './roll.js';
import type { NodeSpec, Topology } from './topology.js';

/** How often a condition is checked, lab ms. */
const settleStepMs = 2;

/**
 * A whole simulated cluster in this process: API façade, proxy-server, and nodes with agent and kubelet. `startLab`
 * resolves with a lab that is ready, or rejects and leaves nothing behind.
 */
export class Lab extends LabFaults implements AsyncDisposable {
  private readonly insides: LabInsides;
  private stopping: Promise<void> | undefined;
  private readonly watches: LabWatch[] = [];
  private readonly freezer: Freezer;

  constructor(insides: LabInsides) {
    super(insides);
    this.insides = insides;
    const { faults } = insides.context.links;
    this.freezer = new Freezer(faults);
    faults.attend(() => this.parts().map((part) => faultyPart(part, insides.parts.servers)));
  }

  /** The seed of all random choices. `startLab({ seed })` repeats them. */
  get seed(): number {
    return this.insides.seed;
  }

  /**
   * How fast lab time runs: 60 makes a minute of lab time last a second. Timers that wait follow a change, so that a test can
   * hurry through a quiet minute and then be slow enough for a busy machine. Throws CONFIG_INVALID unless it is above 0.
   */
  get timeScale(): number {
    return this.insides.context.clock.timeScale;
  }

  set timeScale(timeScale: number) {
    this.insides.context.clock.timeScale = timeScale;
  }

  /** Lab time since the lab began, ms: the `t` of an event that happens now. */
  get now(): number {
    return this.insides.context.clock.now() - this.insides.journal.startedAt;
  }

  /** The wall time at which lab time was 0. */
  get startedAt(): Date {
    return new Date(this.insides.startedAtMs);
  }

  /** Resolves after so much lab time, ms. To wait for what happens, `waitFor` is better. */
  sleep(ms: number): Promise<void> {
    return pause(this.insides.context.clock, ms);
  }

  /** The options that the lab was started with. */
  get options(): LabOptions {
    return this.insides.options;
  }

  /** The nodes, in order of their names: `node-1`, `node-2` … */
  get nodes(): readonly NodeSpec[] {
    return this.insides.topology.nodes;
  }

  /** The nodes, and the Kubernetes objects that the lab started with. */
  get topology(): Topology {
    return this.insides.topology;
  }

  /** The lab's own tunnel client: `dial` gives a Duplex to any address that an agent can reach. */
  get tunnel(): Dialer {
    return this.insides.clients.lab;
  }

  /** exec, logs and port-forward with streams of the caller, without the API façade. */
  get cluster(): ClusterClient {
    return this.insides.clients.cluster;
  }

  /** The URL of the API façade: `https://127.0.0.1:PORT`. Throws NOT_READY while a lone façade does not run. */
  get apiServerUrl(): string {
    return this.insides.parts.apiservers.url;
  }

  /** Where the first proxy-server listens for frontends: `unix://PATH`. */
  get frontendAddress(): string {
    return this.frontendAddresses[0] ?? '';
  }

  /** Where each proxy-server listens for frontends: `unix://PATH`, in order. */
  get frontendAddresses(): readonly string[] {
    return this.insides.parts.servers.frontendAddresses;
  }

  /** Where agents connect: `127.0.0.1:PORT`. */
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

  /** The CAs and certificates of the lab, with their private keys, for parts that you start yourself. */
  get certificates(): CertificateSet {
    return this.insides.context.certificates;
  }

  /** Opens a byte stream to `host:port` through the tunnel. As `lab.tunnel.dial`, with the same errors. */
  dial(host: string, port: number, options?: DialOptions): Promise<Duplex> {
    return this.tunnel.dial(host, port, options);
  }

  /**
   * Runs a command in a container and resolves with its whole output and its exit code, also when that is not 0. Without
   * options: the pod's first container, no input, no TTY.
   *
   * Rejects with POD_NOT_FOUND, CONTAINER_NOT_FOUND, COMMAND_NOT_FOUND (the command could not be run), NO_AGENT,
   * DIAL_FAILED, DIAL_TIMEOUT, SERVER_UNREACHABLE, TLS_REJECTED, TUNNEL_CLOSED (the connection was lost) or
   * DIAL_CANCELLED (`signal` was aborted).
   */
  exec(target: PodTarget, command: readonly string[], options: ExecOptions = {}): Promise<ExecOutcome> {
    return execAndGather(this.cluster, target, command, options);
  }

  /**
   * The log of a container, as bytes. Without options: the pod's first container, the whole log, without following it.
   * Leaving the loop ends the request. Rejects as `exec`, and with LOGS_UNAVAILABLE or READER_TOO_SLOW.
   */
  logs(target: PodTarget, options?: LogOptions): AsyncGenerator<Uint8Array> {
    return this.cluster.logs(target, options);
  }

  /**
   * Listens on 127.0.0.1 and forwards each connection to a port of the pod. Rejects with POD_NOT_FOUND, ADDRESS_IN_USE,
   * ADDRESS_UNAVAILABLE or TOO_MANY_OPEN_FILES. A later failure of one connection goes to `onError`, such as NO_AGENT or
   * PORT_CLOSED.
   */
  portForward(target: PodTarget, port: number, options?: PortForwardOptions): Promise<PortForward> {
    return this.cluster.portForward(target, port, options);
  }

  /** One part by its name: `agent/node-1`, `kubelet/node-1`, `server/server-1`, `apiserver/main`. Throws NODE_NOT_FOUND. */
  part(name: string): FreezablePart {
    const found = this.parts().find((part) => part.name === name);
    if (found !== undefined) return found;
    const names = this.parts().map((part) => part.name);
    throw new TunnelError('NODE_NOT_FOUND', `no part is called ${name}; there are ${names.join(', ')}`);
  }

  /** The replicas of the API façade, and their address. */
  get apiservers(): ApiServers {
    return this.insides.parts.apiservers;
  }

  /** One replica of the API façade, counted from 1. Throws NODE_NOT_FOUND. */
  apiserver(number = 1): ApiServerReplica {
    return this.insides.parts.apiservers.replica(number);
  }

  /**
   * Starts a controller that lists and watches one kind of objects. The journal shows when it loses its watch. It ends
   * with the lab. Throws NOT_READY while a lone façade does not run.
   */
  watch(name: WatchedName, options: LabWatchOptions = {}): LabWatch {
    const watch = startLabWatch(this.insides.context, this.apiServerUrl, { ...options, name });
    this.watches.push(watch);
    return watch;
  }

  /**
   * Restarts a container, default the pod's first; its log stays readable with `previous`. Throws POD_NOT_FOUND,
   * CONTAINER_NOT_FOUND, or NOT_READY while the kubelet does not run.
   */
  restartContainer(target: PodTarget, container?: string): void {
    const { node, ref } = this.cluster.locate(target, container);
    const kubelet = this.insides.parts.kubelets.find((part) => part.name === `kubelet/${node}`);
    kubelet?.value.runtime.restartContainer(ref);
  }

  /** All parts, in the order in which a request passes them. */
  parts(): readonly FreezablePart[] {
    const { apiservers, servers, agents, kubelets } = this.insides.parts;
    const { faults } = this.insides.context.links;
    const tools = { faults, freezer: this.freezer, meshed: () => this.meshed() };
    return [...apiservers.parts, ...servers.parts, ...agents, ...kubelets].map((part) =>
      partHandle(part, tools),
    );
  }

  /**
   * Stops the parts whose names fit a pattern, and starts them again, as a rolling update does. In a pattern `*` stands for any
   * text. Rejects with NODE_NOT_FOUND when no name fits, CONFIG_INVALID, and as `LabPart.start`.
   */
  roll(pattern: string, options: RollOptions = {}): Promise<void> {
    return roll(this.parts(), pattern, options);
  }

  /**
   * Waits until what ends by itself has ended, and rejects with INVARIANT_BROKEN when something is left open, when a
   * proxy-server and the agents do not agree on who is connected, or when the DATA of a connection arrived in other sizes or in
   * another order than they were sent. The text names each. Open connections to webhooks that wait for their next call are
   * no fault.
   */
  checkInvariants(options?: InvariantOptions): Promise<void> {
    return checkInvariants(this.insides, options);
  }

  /** Each connection through the tunnel that any end holds now, with what all its ends believe of it. */
  connections(): readonly ConnectionView[] {
    return connectionsOf(this.insides);
  }

  /** Counts what is open now. */
  open(): OpenCounts {
    return countOpen(this.insides);
  }

  /**
   * Resolves when nothing is open any more: every request is over, and its last packet has arrived. Rejects with
   * WAIT_TIMEOUT, which says what is still open, after `withinMs` of lab time (default 5000). A connection to a webhook is
   * open until 90 s after its last call.
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

  /** Resolves when every running agent is connected to all running servers that it looks for. */
  private async meshed(): Promise<void> {
    const { servers, agents } = this.insides.parts;
    const missing = (): number => {
      const running = agents
        .filter((agent) => agent.running)
        .map(({ value }) => value.snapshot().servers.length);
      // A server may not have noticed yet that an agent's earlier connection is gone.
      return Math.max(servers.missing(running.length), servers.missingAt(running));
    };
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

  /** Stops all parts, closes all sockets and removes all files. Further calls return the same promise. Never rejects. */
  stop(): Promise<void> {
    this.stopping ??= Promise.all(this.watches.map((watch) => watch.close())).then(() =>
      stopAll(this.insides),
    );
    return this.stopping;
  }

  /** As `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
