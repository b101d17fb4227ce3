import { Agent, type ClientRequest, type RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../core/clock.js';

/** Of client-go's transport: how long a connection waits for its next call, and how many may wait. */
const idleMs = 90_000;
const maxIdle = 25;

export interface PooledOptions extends RequestOptions {
  /** Calls with the same name share their connections. */
  readonly pool: string;
  /** The API request that the call serves. */
  readonly user: string;
  readonly open: () => Promise<Opened>;
}

export interface Opened {
  readonly connection: Duplex;
  /** False for a socket of this machine. */
  readonly tunnelled: boolean;
  /** How many writes the connection has taken, below TLS. */
  readonly writes: () => number;
}

/** What is known of a connection that is open. */
interface Kept {
  /** The API request that opened it. */
  readonly openedBy: string;
  readonly tunnelled: boolean;
  readonly writes: () => number;
  /** Runs while the connection waits for a call. */
  idle: Timer | undefined;
}

/** A peer that speaks between calls would answer the next one before it is sent. */
function unasked(this: Duplex): void {
  this.destroy();
}

/** Keeps connections to webhooks for their next calls, with the numbers of kube-apiserver. `destroy()` closes all. */
export class WebhookConnections extends Agent {
  private readonly clock: Clock;
  private readonly known = new WeakMap<Duplex, Kept>();

  constructor(clock: Clock) {
    super({ keepAlive: true, maxFreeSockets: maxIdle });
    this.clock = clock;
  }

  /** Connections through the tunnel that wait for their next call. */
  get kept(): number {
    const waiting = Object.values(this.freeSockets).flatMap((some) => some ?? []);
    return waiting.filter((connection) => this.known.get(connection)?.tunnelled === true).length;
  }

  /** The API request that opened the connection. */
  openedBy(connection: Duplex): string {
    return this.known.get(connection)?.openedBy ?? '';
  }

  /** How many writes the connection has taken. */
  writes(connection: Duplex): number {
    return this.known.get(connection)?.writes() ?? 0;
  }

  override getName(options?: RequestOptions): string {
    return (options as PooledOptions).pool;
  }

  override createConnection(
    options: RequestOptions,
    done: (error: Error | null, connection: Duplex) => void = () => undefined,
  ): undefined {
    const { open, user } = options as PooledOptions;
    const opened = ({ connection, tunnelled, writes }: Opened): void => {
      const kept: Kept = { openedBy: user, tunnelled, writes, idle: undefined };
      this.known.set(connection, kept);
      // The TLS socket allows half-open connections: it does not close by itself.
      connection.once('end', () => void (kept.idle && connection.destroy()));
      connection.once('close', () => kept.idle?.cancel());
      done(null, connection);
    };
    const failed = (error: Error): void => (done as (error: Error) => void)(error);
    open().then(opened, failed);
  }

  override keepSocketAlive(connection: Duplex): boolean {
    const kept = this.known.get(connection);
    if (kept === undefined || !connection.readable || connection.readableLength > 0) return false;
    connection.on('data', unasked);
    kept.idle = this.clock.after(idleMs, () => connection.destroy());
    return true;
  }

  override reuseSocket(connection: Duplex, request: ClientRequest): void {
    super.reuseSocket(connection, request);
    const kept = this.known.get(connection);
    connection.off('data', unasked);
    kept?.idle?.cancel();
    if (kept !== undefined) kept.idle = undefined;
  }
}
