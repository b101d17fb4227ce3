import type { Writable } from 'node:stream';

/** A destination for bytes. A write resolves when there is room for the next one. */
export interface ByteSink {
  /** Rejects with a BrokenPipe when the reading end is closed. */
  write(chunk: Uint8Array): Promise<void>;
}

/** The reading end is closed. A real program would get SIGPIPE. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';

  constructor(message = 'broken pipe') {
    super(message);
  }
}

export const discardSink: ByteSink = { write: async () => undefined };

/** Writes text as UTF-8. */
export async function writeText(sink: ByteSink, text: string): Promise<void> {
  if (text !== '') await sink.write(Buffer.from(text));
}

/** More was written than the limit allows. */
export class OutputTooLarge extends BrokenPipe {
  constructor(limitBytes: number) {
    super(`more than ${limitBytes} bytes in one piece: this is a limit of the sandbox`);
  }
}

/** Keeps everything that is written, up to `limitBytes`. */
export class BufferSink implements ByteSink {
  private readonly limitBytes: number;
  private readonly parts: Uint8Array[] = [];
  private sizeBytes = 0;

  constructor(limitBytes = Number.POSITIVE_INFINITY) {
    this.limitBytes = limitBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const left = this.limitBytes - this.sizeBytes;
    this.parts.push(chunk.length > left ? chunk.subarray(0, left) : chunk);
    this.sizeBytes += chunk.length;
    if (chunk.length > left) throw new OutputTooLarge(this.limitBytes);
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** Over a Node stream, for several writers: waits for drain, knows when all is handed over, and never ends it. */
export class StreamSink implements ByteSink {
  private readonly stream: Writable;
  private readonly signal: AbortSignal;
  private unwritten = 0;
  private waiting: (() => void)[] = [];

  constructor(stream: Writable, signal: AbortSignal) {
    this.stream = stream;
    this.signal = signal;
    const wake = (): void => this.wake();
    for (const name of ['drain', 'close', 'error', 'finish']) stream.on(name, wake);
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.broken) throw new BrokenPipe();
    this.unwritten++;
    const room = this.stream.write(chunk, () => {
      this.unwritten--;
      this.wake();
    });
    if (!room) await this.until(() => !this.stream.writableNeedDrain);
  }

  /** Resolves when every byte has left the stream's own buffer, or when it never will. */
  async flush(): Promise<void> {
    await this.until(() => this.unwritten === 0).catch(() => undefined);
  }

  private get broken(): boolean {
    return this.signal.aborted || this.stream.destroyed || this.stream.writableEnded;
  }

  private async until(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.broken) throw new BrokenPipe();
      await new Promise<void>((resolve) => {
        // The signal may live as long as a container, so it must not keep a finished write in memory.
        const wake = (): void => {
          this.signal.removeEventListener('abort', wake);
          resolve();
        };
        this.signal.addEventListener('abort', wake, { once: true });
        this.waiting.push(wake);
      });
    }
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
