import type { Duplex } from 'node:stream';
import { joinHostPort } from '../../core/address.js';
import type { Clock } from '../../core/clock.js';
import { type ErrorCode, TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import type { Dialer, DialOptions } from './dialer.js';

export interface ProxyClientSettings {
  /** The proxy-server's frontend: `host:port` or `unix:///path`. */
  readonly address: string;
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Who dials, in events: `client/test`, `apiserver/main`. */
  readonly name: string;
  /** Who is dialled, in events: `server/server-1`. */
  readonly serverName: string;
}

export interface DialTask<S extends ProxyClientSettings = ProxyClientSettings> {
  readonly settings: S;
  /** Of the endpoint: `host:port`. */
  readonly address: string;
  readonly request: string | undefined;
  readonly resolve: (connection: Duplex) => void;
  readonly reject: (error: TunnelError) => void;
  /** Called when nothing is left of the dial and its connection. */
  readonly ended: () => void;
}

interface OpenDial {
  start(signal: AbortSignal | undefined): void;
}

export const defaultDialTimeoutMs = 30_000;

/** Opens one connection for each `dial`, and knows those that are not over yet. */
export abstract class ProxyClient<S extends ProxyClientSettings, D extends OpenDial> implements Dialer {
  protected readonly settings: S;
  protected readonly dials = new Set<D>();
  protected closed = false;

  constructor(settings: S) {
    this.settings = settings;
  }

  /** What a dial says that was given up before it began. */
  protected abstract readonly cancelledText: string;
  /** Readies the way to the proxy-server, or throws; what it returns makes a dial. */
  protected abstract opener(): (task: DialTask<S>) => D;

  /** Connections and dials that are not over yet. */
  get openConnections(): number {
    return this.dials.size;
  }

  async dial(host: string, port: number, { signal, request }: DialOptions = {}): Promise<Duplex> {
    const { settings } = this;
    const where = settings.name;
    if (this.closed) throw new TunnelError('LAB_STOPPED', 'the tunnel client is closed', { where });
    if (signal?.aborted) throw new TunnelError('DIAL_CANCELLED', this.cancelledText, { where });
    const open = this.opener();
    return new Promise((resolve, reject) => {
      const ended = (): void => void this.dials.delete(dial);
      const dial = open({ settings, address: joinHostPort(host, port), request, resolve, reject, ended });
      this.dials.add(dial);
      dial.start(signal);
    });
  }
}

export class DialReport {
  private readonly task: DialTask;
  private readonly startedAt: number;

  constructor(task: DialTask) {
    this.task = task;
    this.startedAt = task.settings.clock.now();
  }

  tell(
    kind: 'dial.started' | 'dial.established' | 'dial.failed' | 'connection.closed',
    more: { code?: ErrorCode; error?: string; dialId?: string; connectId?: string } = {},
  ): void {
    const { settings, request, address } = this.task;
    const durationMs = settings.clock.now() - this.startedAt;
    const known = { ...(request === undefined ? {} : { request }), ...more };
    settings.emit({ kind, node: settings.name, peer: settings.serverName, address, durationMs, ...known });
  }
}

/** Calls `cancel` when the caller gives the dial up; returns how to stop listening. */
export function onAbort(signal: AbortSignal | undefined, cancel: () => void): () => void {
  signal?.addEventListener('abort', cancel, { once: true });
  return () => signal?.removeEventListener('abort', cancel);
}
