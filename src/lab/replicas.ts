import type { ApiServer } from '../apiserver/api-server.js';
import { startControllers } from '../apiserver/controllers/controllers.js';
import type { ShutdownOptions } from '../apiserver/serving/shutdown.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import { TunnelError } from '../core/errors.js';
import { createRandom } from '../core/random.js';
import { type Middlebox, startMiddlebox } from '../links/middlebox.js';
import type { TunnelClient } from '../wire/client/tunnel-client.js';
import type { LabPart, RestartablePart } from './part.js';
import type { LabContext } from './parts.js';

export const maxReplicas = 9;

/** How the end of a replica reaches its clients: as a process that dies, by resets, or not at all, as a machine that dies. */
export type CutManner = 'fin' | 'reset' | 'silence';

export interface ReplicaKillOptions {
  /** Default `fin`: the kernel closes the connections of a process that was killed. */
  readonly connections?: CutManner;
  /** How long the address leads new connections to it all the same, lab ms. Default 0. */
  readonly noticedAfterMs?: number;
}

/** One replica of the API façade. */
export interface ApiServerReplica extends LabPart {
  /** Its own `https://127.0.0.1:PORT`, behind the dedicated address. Throws NOT_READY while it does not run. */
  readonly url: string;
  kill(options?: ReplicaKillOptions): Promise<void>;
  /**
   * Ends it gracefully and starts the next: `/readyz` fails and no new connection comes, after `delayMs` (default 0)
   * watches end in order, then requests under way are waited for.
   */
  roll(options?: ShutdownOptions): Promise<void>;
}

export interface MoveOptions {
  /** What becomes of the connections that there are. Default `silence`: nobody hears of it. */
  readonly connections?: Exclude<CutManner, 'fin'>;
  /** How long nobody answers at the address, lab ms. Default 0. */
  readonly outageMs?: number;
}

/** All replicas of the API façade, behind one dedicated address. */
export interface ApiServers {
  /** `https://127.0.0.1:PORT`: the dedicated address, the same for as long as the lab lives. */
  readonly url: string;
  readonly count: number;
  /** Starts or ends replicas, the last ones first, gracefully. Rejects with CONFIG_INVALID. */
  resize(count: number): Promise<void>;
  /** The dedicated address moves to another machine, which knows nothing of its connections. */
  move(options?: MoveOptions): Promise<void>;
}

export interface ReplicasOptions {
  readonly context: LabContext;
  readonly store: LocalStore;
  /** Undefined for a single façade without an address before it. */
  readonly count: number | undefined;
  /** Where the dedicated address listens. */
  readonly port: number;
  /** Its way to the nodes, by its number from 1 on. */
  readonly client: (name: string, replica: number) => TunnelClient;
  readonly makePart: (name: string, dialer: TunnelClient) => RestartablePart<ApiServer>;
}

interface Replica {
  readonly part: RestartablePart<ApiServer>;
  readonly client: TunnelClient;
}

const host = '127.0.0.1';

/** The replicas of a lab. They share all but connections, so that it does not matter which one is asked. */
export class Replicas implements ApiServers {
  private readonly options: ReplicasOptions;
  private readonly replicas: Replica[] = [];
  private box: Middlebox | undefined;
  private controllers: { close(): void } | undefined;
  private stopping = false;

  constructor(options: ReplicasOptions) {
    const { count } = options;
    if (count !== undefined) checkCount(count);
    this.options = options;
    for (let number = 1; number <= (count ?? 1); number++) this.add();
  }

  get url(): string {
    return `https://${this.box?.addresses[0] ?? this.first.value.address}`;
  }

  get count(): number {
    return this.replicas.length;
  }

  get tunnelConnections(): number {
    return this.replicas.reduce((total, { client }) => total + client.openConnections, 0);
  }

  /** The replicas as parts, in order. */
  get parts(): readonly ApiServerReplica[] {
    return this.replicas.map((replica) => this.handle(replica));
  }

  /** The first one, which is there for as long as the lab. */
  get first(): RestartablePart<ApiServer> {
    const [first] = this.replicas;
    if (first !== undefined) return first.part;
    throw new TunnelError('INTERNAL', 'there is no API server', { where: 'apiservers' });
  }

  /** The running façades behind the parts. */
  get running(): readonly ApiServer[] {
    return this.replicas.filter(({ part }) => part.running).map(({ part }) => part.value);
  }

  /** Number `number`, from 1 on. Throws NODE_NOT_FOUND. */
  replica(number: number): ApiServerReplica {
    const replica = this.parts[number - 1];
    if (replica !== undefined) return replica;
    throw new TunnelError('NODE_NOT_FOUND', `there is no API server ${number}; there are ${this.count}`);
  }

  async start(): Promise<void> {
    const ends = await Promise.allSettled(this.replicas.map(({ part }) => part.start()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    if (this.options.count === undefined) return;
    const { clock, emit, random } = this.options.context;
    const listen = `${host}:${this.options.port}`;
    const routes = [{ listen, to: this.addresses() }];
    this.box = await startMiddlebox({ name: 'apiservers', routes, clock, emit });
    // They belong to no replica, and go on whichever of them dies.
    const { store } = this.options;
    this.controllers = startControllers({ store, clock, random: createRandom(random.below(2 ** 32)) });
  }

  async resize(count: number): Promise<void> {
    checkCount(count);
    const box = this.needBox('resized');
    while (this.replicas.length < count) await this.add().part.start();
    const surplus = this.replicas.splice(count);
    box.setTargets(0, this.addresses());
    this.tell('apiservers.resized', `${count} replicas`);
    await Promise.all(surplus.map((replica) => end(replica)));
  }

  async move({ connections = 'silence', outageMs = 0 }: MoveOptions = {}): Promise<void> {
    const box = this.needBox('moved');
    this.tell(
      'apiservers.moved',
      connections === 'silence' ? 'connections hear nothing' : 'connections are reset',
    );
    const back = box.relisten(0, outageMs);
    box.forget(connections === 'silence' ? 'drop' : 'reset');
    await back;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.controllers?.close();
    await this.box?.close();
    await Promise.all(this.replicas.map(({ part }) => part.stop()));
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
    const killed = part.kill();
    if (noticedAfterMs <= 0) this.retarget();
    else this.options.context.clock.after(noticedAfterMs, () => this.retarget(), true);
    await killed;
  }

  private async leave({ part }: Replica, options?: ShutdownOptions): Promise<void> {
    if (!part.running) return;
    const { value } = part;
    this.options.context.emit({ kind: 'apiserver.leaving', node: part.name, address: value.address });
    // The balancer asks for `/readyz`, which fails from here on.
    const others = this.addresses().filter((address) => address !== value.address);
    if (others.length > 0) this.box?.setTargets(0, others);
    await value.shutdown(options);
    await part.stop();
  }

  private addresses(): readonly string[] {
    return this.running.map(({ address }) => address);
  }

  private retarget(): void {
    if (!this.stopping) this.box?.setTargets(0, this.addresses());
  }

  private needBox(what: string): Middlebox {
    if (this.box !== undefined) return this.box;
    const message = `a lab without the option apiservers has one API server, which cannot be ${what}`;
    throw new TunnelError('CONFIG_INVALID', message, { where: 'apiservers' });
  }

  private tell(kind: 'apiservers.resized' | 'apiservers.moved', text: string): void {
    this.options.context.emit({ kind, node: 'lab/lab', address: this.url.replace('https://', ''), text });
  }
}

async function end({ part, client }: Replica): Promise<void> {
  if (part.running) await part.value.shutdown();
  await part.stop();
  await client.close();
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= maxReplicas) return;
  const message = `apiservers must be a whole number from 1 to ${maxReplicas}, not ${count}`;
  throw new TunnelError('CONFIG_INVALID', message, { where: 'apiservers' });
}
