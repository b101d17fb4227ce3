import { BrokenPipe, type ByteSink, type StreamSink } from './byte-sink.js';

/** What two pipes hold: containerd has one to its shim, and one from there to itself. */
const unreadBytes = 128 * 1024;

/**
 * An output that goes to a client. When the client is gone, a command may write as much as pipes would hold; then it
 * waits for a reader, who will not come, until `signal` aborts. It gets no SIGPIPE: a container runtime keeps the pipes
 * open. With `neverWaits` all that is written goes nowhere.
 */
export class ClientSink implements ByteSink {
  private readonly client: StreamSink;
  private readonly signal: AbortSignal;
  private leftBytes: number;

  constructor(client: StreamSink, signal: AbortSignal, neverWaits = false) {
    this.client = client;
    this.signal = signal;
    this.leftBytes = neverWaits ? Number.POSITIVE_INFINITY : unreadBytes;
  }

  /** Rejects with a BrokenPipe once `signal` has aborted. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.signal.aborted) throw new BrokenPipe();
    if (await this.taken(chunk)) return;
    this.leftBytes -= chunk.length;
    if (this.leftBytes >= 0) return;
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve, { once: true }));
    throw new BrokenPipe();
  }

  /** Resolves when the client has every byte, or never will. */
  flush(): Promise<void> {
    return this.client.flush();
  }

  private taken(chunk: Uint8Array): Promise<boolean> {
    return this.client.write(chunk).then(
      () => true,
      () => false,
    );
  }
}
