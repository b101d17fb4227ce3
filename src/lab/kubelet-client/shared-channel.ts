import { TunnelError } from '../../core/errors.js';
import type { DialOptions } from '../../wire/client/dialer.js';
import { type DialedChannel, type DialedTarget, openDialedChannel } from './dialed-channel.js';

interface Opening {
  readonly channel: Promise<DialedChannel>;
  readonly controller: AbortController;
  waiters: number;
}

function cancelled(): TunnelError {
  return new TunnelError('DIAL_CANCELLED', 'the request was cancelled');
}

/** Settles with `work`, or rejects when `signal` aborts first. */
function raceAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled());
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** One channel for all calls to a kubelet, dialled when needed. Waiting calls share a dial; the last cancels it. */
export class SharedChannel {
  private readonly target: DialedTarget;
  private current: DialedChannel | undefined;
  private opening: Opening | undefined;
  /** Settles when all cancelled dials have ended. */
  private abandoned: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  constructor(target: DialedTarget) {
    this.target = target;
  }

  get openConnections(): number {
    return this.current?.openConnections ?? 0;
  }

  /** Rejects with the TunnelError of the dial. */
  async acquire(options: DialOptions): Promise<DialedChannel> {
    if (options.signal?.aborted === true) throw cancelled();
    if (this.closing !== undefined) throw new TunnelError('LAB_STOPPED', 'the kubelet client is closed');
    if (this.current?.usable === true) return this.current;
    const opening = (this.opening ??= this.open(options));
    opening.waiters++;
    try {
      return await raceAbort(opening.channel, options.signal);
    } finally {
      opening.waiters--;
      if (opening.waiters === 0 && this.opening === opening) this.giveUp(opening);
    }
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private giveUp(opening: Opening): void {
    this.opening = undefined;
    opening.controller.abort();
    this.abandoned = Promise.allSettled([this.abandoned, opening.channel]);
  }

  private open({ request }: DialOptions): Opening {
    const controller = new AbortController();
    const named = request === undefined ? {} : { request };
    const channel = this.replace(controller.signal, named);
    const opening = { channel, controller, waiters: 0 };
    const settled = (): void => {
      if (this.opening === opening) this.opening = undefined;
    };
    channel.then(settled, settled);
    return opening;
  }

  private async replace(signal: AbortSignal, options: DialOptions): Promise<DialedChannel> {
    await this.current?.close();
    this.current = undefined;
    const fresh = await openDialedChannel(this.target, { ...options, signal });
    if (!signal.aborted) {
      this.current = fresh;
      return fresh;
    }
    await fresh.close();
    throw cancelled();
  }

  private async shutDown(): Promise<void> {
    if (this.opening !== undefined) this.giveUp(this.opening);
    await this.abandoned;
    await this.current?.close();
  }
}
