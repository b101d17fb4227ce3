import type { TerminalSize } from '../../streams/types.js';
import { type ByteSink, discardSink, StreamSink } from '../io/byte-sink.js';
import { type ByteSource, streamSource } from '../io/byte-source.js';
import type { ExecOptions } from '../shell/exec.js';
import type { ThreadCommand } from './protocol.js';
import { ownBytes } from './thread-calls.js';

/** The client's side of a command that runs in a thread. */
export class ExecRelay {
  private readonly options: ExecOptions;
  private readonly over = new AbortController();
  private readonly stdin: ByteSource | undefined;
  private readonly sinks: Partial<Record<'stdout' | 'stderr', StreamSink>>;
  private readonly sizes: AsyncIterator<TerminalSize> | undefined;

  /** `ending` aborts when the command must end. The client may leave before that. */
  constructor(options: ExecOptions, ending: AbortSignal) {
    const { stdin, stdout, stderr, resize } = options.streams;
    this.options = options;
    const whileRunning = AbortSignal.any([ending, this.over.signal]);
    const whileRead = AbortSignal.any([ending, options.streams.signal]);
    this.stdin = stdin === undefined ? undefined : streamSource(stdin, whileRunning);
    this.sinks = {
      ...(stdout === undefined ? {} : { stdout: new StreamSink(stdout, whileRead) }),
      ...(stderr === undefined ? {} : { stderr: new StreamSink(stderr, whileRead) }),
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
    const { isMain = false, tee } = this.options;
    const sent = sink.write(bytes);
    // A main process continues without a client; its output is still the container's log.
    await Promise.all([isMain ? sent.catch(() => undefined) : sent, tee?.write(bytes)]);
  }

  async resize(): Promise<TerminalSize | undefined> {
    const next = await this.sizes?.next();
    return next === undefined || next.done === true ? undefined : next.value;
  }

  /** The command has ended. Resolves when every byte has left the streams' own buffers, or when it never will. */
  async end(): Promise<void> {
    this.over.abort();
    await Promise.all([this.sinks.stdout?.flush(), this.sinks.stderr?.flush()]);
  }
}
