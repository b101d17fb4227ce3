import type { ServiceError } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../../core/clock.js';
import { TunnelError } from '../../../core/errors.js';
import type { EventSink } from '../../../core/events.js';
import type { FollowResponse__Output } from '../../../wire/gen/konnsim/store/v1/FollowResponse.js';
import { currentTls, type Renewable, type TlsFiles } from '../../../wire/net/tls.js';
import { StatusError } from '../../request/status.js';
import type { ApiObject } from '../../resources/api-object.js';
import type { Resource } from '../../resources/resource.js';
import type { Change } from '../change.js';
import { type Commit, refuseTooLarge } from '../commit.js';
import { ObjectState, withRevision } from '../object-state.js';
import type { ObjectStore } from '../object-store.js';
import type { ObjectKey } from '../step.js';
import { ChangeWaiter } from './change-waiter.js';
import { decodeObject, decodeStep } from './messages.js';
import { failureText, requestTimeoutMs, StoreCall, timedOut } from './store-call.js';

export interface RemoteStoreOptions {
  /** The replica's name in events: `apiserver/apiserver`. */
  readonly node: string;
  /** `host:port` of the store. */
  readonly address: string;
  readonly tls: TlsFiles | Renewable<TlsFiles>;
  /** Changes kept for watches, per kind of object. Default 1000. */
  readonly historyLimit?: number;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** As grpc-go's first back-off; a store that starts is found soon. */
const firstBackOffMs = 100;
const maxBackOffMs = 2000;
/** How long a read waits for the store's revision, before it answers with what is known. */
const catchUpMs = 2000;

/**
 * A store in another process. A mirror of all its objects answers reads; writes go to the store, and are answered when
 * the mirror has them. While the store is away, reads and watches continue, writes fail, and it tries to reconnect.
 */
export class RemoteStore implements ObjectStore {
  private readonly options: RemoteStoreOptions;
  private readonly state: ObjectState;
  private readonly waiter: ChangeWaiter;
  private run = '';
  private call: StoreCall | undefined;
  private connected = false;
  private failure = 'rpc error: code = Unavailable desc = no connection yet';
  private failures = 0;
  private retry: Timer | undefined;
  private closed = false;
  private sync: Promise<void> | undefined;

  constructor(options: RemoteStoreOptions) {
    this.options = options;
    this.state = new ObjectState(options.historyLimit);
    this.waiter = new ChangeWaiter(this.state, options.clock);
    this.connect();
  }

  get revision(): number {
    return this.state.revision;
  }

  get isAway(): boolean {
    return !this.connected;
  }

  get(resource: Resource, key: ObjectKey): ApiObject | undefined {
    return this.state.get(resource, key);
  }

  list(resource: Resource, namespace?: string): readonly ApiObject[] {
    return this.state.list(resource, namespace);
  }

  nextChange(resource: Resource, revision: number): Change | 'forgotten' | undefined {
    return this.state.nextChange(resource, revision);
  }

  subscribe(listener: () => void): () => void {
    return this.state.subscribe(() => listener());
  }

  /** Resolves when the mirror has all objects. Rejects with SERVER_UNREACHABLE when that takes too long. */
  async ready(timeoutMs: number): Promise<void> {
    if (await this.waiter.until(() => this.run !== '' && this.connected, timeoutMs)) return;
    throw new TunnelError('SERVER_UNREACHABLE', this.failure, {
      where: `store ${this.options.address}`,
      hint: 'Is `konnsim store` running there, and does it trust the same CA?',
    });
  }

  async commit(commit: Commit): Promise<ApiObject | undefined> {
    refuseTooLarge(commit);
    const { call } = this;
    if (call === undefined || !this.connected) throw new StatusError(500, this.failure);
    const answer = await call.commit(commit).catch((caught: Error) => {
      throw new StatusError(500, caught.message);
    });
    const revision = Number(answer.revision);
    // A write is answered only when this replica's reads and watches show it too.
    const seen = await this.waiter.until(() => this.state.revision >= revision, requestTimeoutMs);
    if (!seen) throw new StatusError(500, timedOut);
    return answer.conflict ? undefined : withRevision(commit.object, Number(answer.objectRevision));
  }

  catchUp(): Promise<void> | undefined {
    const { call } = this;
    if (call === undefined || !this.connected) return undefined;
    // All readers that ask before the question is sent share one question.
    this.sync ??= Promise.resolve().then(async () => {
      this.sync = undefined;
      const revision = (await call.readRevision(catchUpMs)) ?? 0;
      await this.waiter.until(() => this.state.revision >= revision || this.isAway, catchUpMs);
    });
    return this.sync;
  }

  close(): void {
    this.closed = true;
    this.retry?.cancel();
    this.connected = false;
    this.waiter.close();
    this.call?.close();
  }

  private connect(): void {
    const call = new StoreCall(this.options.address, currentTls(this.options.tls));
    this.call = call;
    const follow = call.follow(this.run, this.run === '' ? 0 : this.state.revision);
    const intake = new Intake(this.state);
    follow.on('data', (message: FollowResponse__Output) => this.take(message, intake, call));
    follow.on('error', (failure: ServiceError) =>
      this.lose(call, failureText(failure, this.options.address)),
    );
    follow.on('end', () =>
      this.lose(call, 'rpc error: code = Unavailable desc = error reading from server: EOF'),
    );
  }

  private take(message: FollowResponse__Output, intake: Intake, call: StoreCall): void {
    try {
      intake.take(message);
    } catch (caught) {
      // It may have been applied only partly.
      this.run = '';
      this.lose(call, caught instanceof Error ? caught.message : String(caught));
      return;
    }
    if (!intake.isComplete) return;
    this.run = intake.run;
    if (!this.connected) this.greet(intake);
    this.waiter.look();
  }

  private greet({ listed }: Intake): void {
    const { node, address, emit } = this.options;
    this.connected = true;
    this.failures = 0;
    const text = listed === undefined ? 'continues where it was' : `listed ${listed} objects`;
    emit({ kind: 'store.connected', node, peer: 'store/store', address, text });
  }

  private lose(call: StoreCall, failure: string): void {
    if (this.closed || call !== this.call) return;
    const { node, address, emit, clock } = this.options;
    const isNews = this.connected || failure !== this.failure;
    this.failure = failure;
    this.connected = false;
    this.call = undefined;
    call.close();
    if (isNews) emit({ kind: 'store.lost', node, peer: 'store/store', address, error: failure });
    this.waiter.look();
    const delayMs = Math.min(firstBackOffMs * 2 ** this.failures++, maxBackOffMs);
    this.retry = clock.after(delayMs, () => this.connect());
  }
}

/** Applies the messages of one Follow. */
class Intake {
  run = '';
  /** The number of listed objects; undefined when no list was needed. */
  listed: number | undefined;
  isComplete = false;
  private objects: ApiObject[] | undefined;
  private readonly state: ObjectState;

  constructor(state: ObjectState) {
    this.state = state;
  }

  take({ run, revision, listing, listed, objects, changes }: FollowResponse__Output): void {
    if (run !== '') this.run = run;
    if (listing) this.objects = [];
    this.objects?.push(...objects.map(decodeObject));
    if (listed && this.objects !== undefined) {
      this.state.load({ revision: Number(revision), objects: this.objects });
      this.listed = this.objects.length;
      this.objects = undefined;
    }
    for (const change of changes) this.state.apply(decodeStep(change));
    this.isComplete = this.objects === undefined;
  }
}
