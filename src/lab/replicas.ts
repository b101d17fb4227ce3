import type { ApiServer } from '../apiserver/api-server.js';
import { startControllers } from '../apiserver/controllers/controllers.js';
import type { GrpcDialer } from '../apiserver/egress/grpc-dialer.js';
import type { ShutdownOptions } from '../apiserver/serving/shutdown.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import { TunnelError } from '../core/errors.js';
import { createRandom } from '../core/random.js';
import { type Middlebox, startMiddlebox, type Target } from '../links/middlebox.js';
import type { TunnelBelief } from '../wire/client/tunnel-client.js';
import type { LabPart, RestartablePart } from './part.js';
import type { LabContext } from './parts.js';

export const maxReplicas = 9;

/**
 * How connections to a killed replica end: `fin` closes them, as the kernel does for a killed process; `reset` resets
 * them; `silence` tells clients nothing, as a machine that lost power.
 */
export type CutManner = 'fin' | 'reset' | 'silence';

/** Options of `ApiServerReplica.kill`. */
export interface ReplicaKillOptions {
  /** How its connections end. Default `fin`. */
  readonly connections?: CutManner;
  /** How long the dedicated address still sends new connections to it, lab ms. Default 0. */
  readonly noticedAfterMs?: number;
}

/** One replica of the API façade. */
export interface ApiServerReplica extends LabPart {
  /** Its own `https://127.0.0.1:PORT`, behind the dedicated address. Throws NOT_READY while it does not run. */
  readonly url: string;
  /** Ends it without a warning, by default with its connections closed. Does nothing when it does not run. */
  kill(options?: ReplicaKillOptions): Promise<void>;
  /**
   * Restarts it gracefully: `/readyz` fails and it gets no new connections, watches end after `delayMs` (default 0), and
   * requests under way may finish. Then it starts again.
   */
  roll(options?: ShutdownOptions): Promise<void>;
}

/** Options of `ApiServers.move`. */
export interface MoveOptions {
  /** How open connections end. Default `silence`: clients are not told. */
  readonly connections?: Exclude<CutManner, 'fin'>;
  /** How long the address does not answer, lab ms. Default 0. */
  readonly outageMs?: number;
}

/** The replicas of the API façade, behind one dedicated address. */
export interface ApiServers {
  /** The dedicated address, `https://127.0.0.1:PORT`. It stays the same until the lab stops. */
  readonly url: string;
  /** The number of replicas, also of those that do not run. */
  readonly count: number;
  /**
   * Starts replicas, or ends the last ones gracefully. Rejects with CONFIG_INVALID for a number that is not 1 to 9, or for a
   * lab without the option `apiservers`.
   */
  resize(count: number): Promise<void>;
  /**
   * Moves the dedicated address to another machine, which does not know its open connections. Rejects with CONFIG_INVALID
   * for a lab without the option `apiservers`.
   */
  move(options?: MoveOptions): Promise<void>;
}

export interface ReplicasOptions {
  readonly context: LabContext;
  readonly store: LocalStore;
  /** Undefined for a single façade with its own address. */
  readonly count: number | undefined;
  /** Where the dedicated address listens. */
  readonly port: number;
  /** Makes the tunnel client of a replica; `replica` counts from 1. */
  readonly client: (name: string, replica: number) => GrpcDialer;
  readonly makePart: (name: string, dialer: GrpcDialer) => RestartablePart<ApiServer>;
}

interface Replica {
  readonly part: RestartablePart<ApiServer>;
  readonly client: GrpcDialer;
}

const host = '127.0.0.1';

/** The replicas of a lab. They share all but connections, so that each gives the same answers. */
export class Replicas implements ApiServers {
  private readonly options: ReplicasOptions;
  private readonly replicas: Replica[] = [];
  private box: Middlebox | undefined;
  private controllers: { close(): void } | undefined;
  /** Where the dedicated address listens; a free port is kept. */
  private port: number;
  private stopping = false;

  constructor(options: ReplicasOptions) {
    const { count } = options;
    if (count !== undefined) checkCount(count);
    this.options = options;
    this.port = options.port;
    for (let number = 1; number <= (count ?? 1); number++) this.add();
  }

  get url(): string {
    return `https://${this.box?.addresses[0] ?? this.first.value.address}`;
  }

  /** Where kubelets reach the replicas. */
  get kubeletUrl(): string {
    return `https://${this.isLone ? this.first.value.address : this.box?.addresses[1]}`;
  }

  /** A single façade, whose address is there only while it runs. Kubelets reach it directly. */
  get isLone(): boolean {
    return this.options.count === undefined;
  }

  get count(): number {
    return this.replicas.length;
  }

  get tunnelConnections(): number {
    return this.replicas.reduce((total, { client }) => total + client.openConnections, 0);
  }

  /** Connections through the tunnel to webhooks that wait for their next call. */
  get keptConnections(): number {
    return this.running.reduce((total, server) => total + server.keptConnections(), 0);
  }

  /** What the tunnel client of each replica holds, by its name. */
  beliefs(): readonly (readonly [string, readonly TunnelBelief[]])[] {
    return this.replicas.map(({ part, client }) => [part.name, client.beliefs()] as const);
  }

  get parts(): readonly ApiServerReplica[] {
    return this.replicas.map((replica) => this.handle(replica));
  }

  /** The first one, which exists until the lab stops. */
  get first(): RestartablePart<ApiServer> {
    const [first] = this.replicas;
    if (first !== undefined) return first.part;
    throw new TunnelError('INTERNAL', 'there is no API server', { where: 'apiservers' });
  }

  get running(): readonly ApiServer[] {
    return this.replicas.filter(({ part }) => part.running).map(({ part }) => part.value);
  }

  /** One replica, counted from 1. Throws NODE_NOT_FOUND. */
  replica(number: number): ApiServerReplica {
    const replica = this.parts[number - 1];
    if (replica !== undefined) return replica;
    throw new TunnelError('NODE_NOT_FOUND', `there is no API server ${number}; there are ${this.count}`);
  }

  async start(): Promise<void> {
    const ends = await Promise.allSettled(this.replicas.map(({ part }) => part.start()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await this.openAddress();
    if (this.isLone) return;
    const { clock, random } = this.options.context;
    // The controllers do not depend on a replica, so that they run on when one dies.
    const { store } = this.options;
    this.controllers = startControllers({ store, clock, random: createRandom(random.below(2 ** 32)) });
  }

  /** Kubelets have a door of their own, so that a fault on the leg of clients spares them. */
  private async openAddress(): Promise<void> {
    const { clock, emit, links } = this.options.context;
    const to = this.targets();
    const clients = { listen: `${host}:${this.port}`, to, from: 'client/any' };
    const kubelets = { listen: `${host}:0`, to, from: 'kubelet/any' };
    const routes = this.isLone ? [clients] : [clients, kubelets];
    this.box = await startMiddlebox({ name: 'apiservers', routes, links, clock, emit });
    this.port = Number(this.box.addresses[0]?.split(':').at(-1));
  }

  /** The address of a single façade ends with it. */
  private async closeLone(): Promise<void> {
    if (!this.isLone) return;
    const { box } = this;
    this.box = undefined;
    await box?.close();
  }

  async resize(count: number): Promise<void> {
    checkCount(count);
    this.needBox('resized');
    while (this.replicas.length < count) await this.add().part.start();
    const surplus = this.replicas.splice(count);
    this.setTargets(this.targets());
    this.tell('apiservers.resized', `${count} replicas`);
    await Promise.all(surplus.map((replica) => end(replica)));
  }

  async move({ connections = 'silence', outageMs = 0 }: MoveOptions = {}): Promise<void> {
    const box = this.needBox('moved');
    this.tell(
      'apiservers.moved',
      connections === 'silence' ? 'connections hear nothing' : 'connections are reset',
    );
    const back = Promise.all(box.addresses.map((_address, route) => box.relisten(route, outageMs)));
    box.forget(connections === 'silence' ? 'drop' : 'reset');
    await back;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.controllers?.close();
    await this.box?.close();
    await Promise.all(this.replicas.map(({ part }) => part.close()));
    await Promise.all(this.replicas.map(({ client }) => client.close()));
  }

  private add(): Replica {
    const { client, makePart, count } = this.options;
    const number = this.replicas.length + 1;
    const name = count === undefined ? 'main' : `apiserver-${number}`;
    const dialer = client(`apiserver/${name}`, number);
    const replica = { part: makePart(name, dialer), client: dialer };
    this.replicas.push(replica);
    return replica;
  }

  private handle(replica: Replica): ApiServerReplica {
    const { part } = replica;
    const start = async (): Promise<void> => {
      await part.start();
      if (this.isLone && this.box === undefined) await this.openAddress();
      this.retarget();
    };
    const kill = (options?: ReplicaKillOptions): Promise<void> => this.kill(replica, options);
    return {
      name: part.name,
      get url() {
        return part.value.url;
      },
      get running() {
        return part.running;
      },
      start,
      kill,
      stop: ({ graceMs = 30_000 } = {}) => this.leave(replica, { graceMs }),
      drain: () => part.drain(),
      restart: async () => {
        await kill();
        await start();
      },
      roll: async (options) => {
        await this.leave(replica, options);
        await start();
      },
    };
  }

  private async kill({ part }: Replica, options: ReplicaKillOptions = {}): Promise<void> {
    if (!part.running) return;
    const { connections = 'fin', noticedAfterMs = 0 } = options;
    const { address } = part.value;
    if (connections !== 'fin') this.box?.forget(connections === 'reset' ? 'reset' : 'drop', address);
    const killed = Promise.all([part.kill(), this.closeLone()]);
    if (noticedAfterMs <= 0) this.retarget();
    else this.options.context.clock.after(noticedAfterMs, () => this.retarget(), true);
    await killed;
  }

  private async leave({ part }: Replica, options?: ShutdownOptions): Promise<void> {
    if (!part.running) return;
    const { value } = part;
    this.options.context.emit({ kind: 'apiserver.leaving', node: part.name, address: value.address });
    // A balancer sees that `/readyz` fails from here on.
    const others = this.targets().filter(({ address }) => address !== value.address);
    if (others.length > 0) this.setTargets(others);
    if (this.isLone) this.box?.refuse();
    await value.shutdown(options);
    await part.end();
    await this.closeLone();
  }

  private targets(): readonly Exclude<Target, string>[] {
    const running = this.replicas.filter(({ part }) => part.running);
    return running.map(({ part }) => ({ address: part.value.address, name: part.name }));
  }

  private retarget(): void {
    if (!this.stopping) this.setTargets(this.targets());
  }

  private setTargets(targets: readonly Target[]): void {
    for (const route of this.box?.addresses.keys() ?? []) this.box?.setTargets(route, targets);
  }

  private needBox(what: string): Middlebox {
    if (this.box !== undefined && !this.isLone) return this.box;
    const message = `a lab without the option apiservers has one API server, which cannot be ${what}`;
    throw new TunnelError('CONFIG_INVALID', message, { where: 'apiservers' });
  }

  private tell(kind: 'apiservers.resized' | 'apiservers.moved', text: string): void {
    this.options.context.emit({ kind, node: 'lab/lab', address: this.url.replace('https://', ''), text });
  }
}

async function end({ part, client }: Replica): Promise<void> {
  if (part.running) await part.value.shutdown();
  await part.close();
  await client.close();
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= maxReplicas) return;
  const message = `apiservers must be a whole number from 1 to ${maxReplicas}, not ${count}`;
  throw new TunnelError('CONFIG_INVALID', message, { where: 'apiservers' });
}
