import { BrokenPipe, type ByteSink, type StreamSink } from './byte-sink.js';

/** The capacity of two pipes: containerd has one to its shim, and the shim has one back. */
const unreadBytes = 128 * 1024;

/**
 * An output that goes to a client. When the client has left, a command may write as much as the pipes would hold; then
 * its write blocks until `signal` aborts. It gets no SIGPIPE, because a container runtime keeps the pipes open. With
 * `neverWaits` everything written after that is dropped.
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

  /** Resolves when the client has every byte, or when it never will. */
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
