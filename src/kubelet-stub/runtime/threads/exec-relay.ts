import type { TerminalSize } from '../../../streams/types.js';
import type { ExecOptions } from '../exec.js';
import { type ByteSink, discardSink, StreamSink } from '../io/byte-sink.js';
import { type ByteSource, streamSource } from '../io/byte-source.js';
import { ownBytes } from './calls.js';
import type { ThreadCommand } from './protocol.js';

/** The client's end of a command that runs in a thread. */
export class ExecRelay {
  private readonly options: ExecOptions;
  private readonly over = new AbortController();
  private readonly stdin: ByteSource | undefined;
  private readonly sinks: Partial<Record<'stdout' | 'stderr', StreamSink>>;
  private readonly sizes: AsyncIterator<TerminalSize> | undefined;

  /** `signal` aborts with the container, or when the client is gone. */
  constructor(options: ExecOptions, signal: AbortSignal) {
    const { stdin, stdout, stderr, resize } = options.streams;
    this.options = options;
    const whileRunning = AbortSignal.any([signal, this.over.signal]);
    this.stdin = stdin === undefined ? undefined : streamSource(stdin, whileRunning);
    this.sinks = {
      ...(stdout === undefined ? {} : { stdout: new StreamSink(stdout, signal) }),
      ...(stderr === undefined ? {} : { stderr: new StreamSink(stderr, signal) }),
    };
    this.sizes = resize?.[Symbol.asyncIterator]();
  }

  get has(): ThreadCommand['has'] {
    const { streams, tee } = this.options;
    return {
      stdin: streams.stdin !== undefined,
      stdout: streams.stdout !== undefined || tee !== undefined,
      stderr: streams.stderr !== undefined || tee !== undefined,
      resize: streams.resize !== undefined,
    };
  }

  async read(): Promise<Uint8Array | undefined> {
    const chunk = await this.stdin?.next();
    return chunk === undefined ? undefined : ownBytes(chunk);
  }

  async write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    const sink: ByteSink = this.sinks[stream] ?? discardSink;
    await Promise.all([sink.write(bytes), this.options.tee?.write(bytes)]);
  }

  async resize(): Promise<TerminalSize | undefined> {
    const next = await this.sizes?.next();
    return next === undefined || next.done === true ? undefined : next.value;
  }

  /** The command has ended. Resolves when every byte has left the streams' own buffers, or never will. */
  async end(): Promise<void> {
    this.over.abort();
    await Promise.all([this.sinks.stdout?.flush(), this.sinks.stderr?.flush()]);
  }
}
