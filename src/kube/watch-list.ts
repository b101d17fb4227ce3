import type { Clock, Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import type { Random } from '../core/random.js';
import { type ItemChange, ItemStore } from './item-store.js';
import type { KubeClient, Selection } from './kube-client.js';
import type { KubeObject, ResourceTarget } from './objects.js';
import { statusOf } from './status-error.js';
import { WatchBackoff } from './watch-backoff.js';

export type { ItemChange };

export interface WatchListCall {
  readonly verb: 'list' | 'watch';
  /** The HTTP status code; undefined when the API did not answer. */
  readonly code: number | undefined;
  readonly reason: string;
  readonly tookMs: number;
}

export interface WatchListOptions<T extends KubeObject> extends Selection {
  readonly client: KubeClient;
  readonly target: ResourceTarget;
  readonly clock: Clock;
  readonly random: Random;
  /** A watch that is silent for this long counts as broken, ms. Default: no limit. */
  readonly idleTimeoutMs?: number;
  readonly changed?: (change: ItemChange<T>) => void;
  /** A list or watch failed and is tried again after a pause. */
  readonly failed?: (error: TunnelError) => void;
  readonly called?: (call: WatchListCall) => void;
  /** A lost watch continues from its last revision, as in client-go's reflectors; only a 410 causes a new list. */
  readonly resumes?: boolean;
  /** A list was read, or the API accepted a watch from `resourceVersion`. */
  readonly began?: (verb: 'list' | 'watch', resourceVersion: string) => void;
  /** A watch that had begun has ended, with or without an error. */
  readonly ended?: (resourceVersion: string, error: TunnelError | undefined) => void;
}

/** client-go's time limits for watches: 5 to 10 minutes, at random, so that they do not all end together. */
const minWatchSeconds = 300;
/** A shorter watch without events counts as a failure, so that we do not ask again and again without a pause. */
const shortWatchMs = 1000;

/** Keeps a set of objects up to date: lists them, watches them, and lists again when the watch was lost. */
export class WatchList<T extends KubeObject> {
  /** Resolves after the first list; never when the signal aborts before. */
  readonly synced: Promise<void>;
  private readonly options: WatchListOptions<T>;
  private readonly store: ItemStore<T>;
  private readonly backoff: WatchBackoff;
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  private listed = false;
  /** The revision to watch from; undefined when a list is due. */
  private position: string | undefined;
  private tellSynced: () => void = () => undefined;

  /** Starts at once. */
  constructor(options: WatchListOptions<T>) {
    this.options = options;
    this.store = new ItemStore(options.changed ?? (() => undefined));
    this.backoff = new WatchBackoff(options.random);
    this.synced = new Promise((resolve) => {
      this.tellSynced = resolve;
    });
    this.running = this.run();
  }

  /** The newest known objects; empty until the first list. */
  get items(): readonly T[] {
    return this.store.items();
  }

  get hasSynced(): boolean {
    return this.listed;
  }

  async close(): Promise<void> {
    this.closing.abort(new TunnelError('API_UNREACHABLE', 'context canceled'));
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      try {
        this.position ??= await this.list();
        for (;;) this.position = await this.watch(this.position);
      } catch (caught) {
        await this.recover(caught);
      }
    }
  }

  private async recover(caught: unknown): Promise<void> {
    const { signal } = this.closing;
    if (signal.aborted) return;
    // A watch that missed too many changes is not a failure, unless it happens again and again.
    const status = statusOf(caught);
    const expired = status !== undefined && (status.code === 410 || status.reason === 'Expired');
    if (expired || this.options.resumes !== true) this.position = undefined;
    if (!expired) this.options.failed?.(TunnelError.from(caught, 'API_UNREACHABLE'));
    await pause(this.options.clock, this.backoff.nextMs(), signal);
  }

  private async list(): Promise<string> {
    const { client, target } = this.options;
    const { metadata, items } = await this.told('list', () =>
      client.listAll<T>(target, { ...this.selection(), signal: this.closing.signal }),
    );
    this.store.replace(items);
    this.listed = true;
    this.tellSynced();
    this.options.began?.('list', metadata.resourceVersion ?? '');
    return metadata.resourceVersion ?? '';
  }

  /** Resolves with the revision to continue from when the server has ended the watch. */
  private async watch(since: string): Promise<string> {
    const { client, clock, target } = this.options;
    const idle = new IdleTimer(clock, this.options.idleTimeoutMs);
    const signal = AbortSignal.any([this.closing.signal, idle.signal]);
    const startedAt = clock.now();
    const options = {
      ...this.selection(),
      resourceVersion: since,
      timeoutSeconds: this.watchSeconds(),
      signal,
    };
    let version = since;
    let begun = false;
    try {
      const events = await this.told('watch', () => client.watch<T>(target, options));
      begun = true;
      this.options.began?.('watch', since);
      for await (const { type, object } of events) {
        idle.restart();
        version = object.metadata.resourceVersion ?? version;
        this.position = version;
        this.store.apply(type, object);
      }
      this.tellEnded(version);
    } catch (caught) {
      if (begun) this.tellEnded(version, TunnelError.from(caught, 'API_UNREACHABLE'));
      throw caught;
    } finally {
      idle.stop();
      if (clock.now() - startedAt >= shortWatchMs) this.backoff.reset();
    }
    if (version === since && clock.now() - startedAt < shortWatchMs) {
      throw new TunnelError('API_UNREACHABLE', 'very short watch: the server ended it without an event');
    }
    return version;
  }

  private tellEnded(version: string, error?: TunnelError): void {
    if (!this.closing.signal.aborted) this.options.ended?.(version, error);
  }

  private async told<R>(verb: WatchListCall['verb'], call: () => Promise<R>): Promise<R> {
    const { clock, called } = this.options;
    const startedAt = clock.now();
    const tell = (code: number | undefined, reason: string): void =>
      called?.({ verb, code, reason, tookMs: clock.now() - startedAt });
    try {
      const result = await call();
      tell(200, '');
      return result;
    } catch (caught) {
      const status = statusOf(caught);
      if (!this.closing.signal.aborted) tell(status?.code, status?.reason ?? '');
      throw caught;
    }
  }

  private selection(): Selection {
    const { labelSelector, fieldSelector } = this.options;
    return {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  private watchSeconds(): number {
    return minWatchSeconds + this.options.random.below(minWatchSeconds);
  }
}

/** Aborts when it was not restarted in time. */
class IdleTimer {
  private readonly controller = new AbortController();
  private readonly clock: Clock;
  private readonly timeoutMs: number | undefined;
  private timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: number | undefined) {
    this.clock = clock;
    this.timeoutMs = timeoutMs;
    this.restart();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  restart(): void {
    this.timer?.cancel();
    if (this.timeoutMs === undefined) return;
    this.timer = this.clock.after(this.timeoutMs, () => {
      this.controller.abort(new TunnelError('API_UNREACHABLE', 'the watch was silent for too long'));
    });
  }

  stop(): void {
    this.timer?.cancel();
  }
}
