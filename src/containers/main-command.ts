import { PassThrough, Writable } from 'node:stream';
import type { Container } from '../kube/pod-objects.js';
import type { RemoteCommandResult, RemoteCommandStreams, TerminalSize } from '../streams/types.js';
import { followOutput } from './attach.js';
import { feedInput, followSizes } from './command-io.js';
import type { ContainerRun } from './container-run.js';
import type { LogStream } from './logs/log-block.js';

export interface MainCommandOptions {
  readonly run: ContainerRun;
  readonly container: Container;
  readonly argv: readonly string[];
  /** Makes the ID that failure texts name. */
  readonly execId: () => string;
}

/** A sandbox command as the main process of a container: its output is the log, and clients may attach to it. */
export class MainCommand {
  /** Its result, whether it ended or was killed. Never rejects. */
  readonly ended: Promise<RemoteCommandResult>;
  private readonly options: MainCommandOptions;
  private readonly stdin: PassThrough | undefined;
  private readonly sizes = new Sizes();

  constructor(options: MainCommandOptions) {
    const { run, container, argv, execId } = options;
    const { tty = false } = container;
    this.options = options;
    this.stdin = container.stdin === true ? new PassThrough() : undefined;
    this.stdin?.on('error', () => undefined);
    const streams: RemoteCommandStreams = {
      ...(this.stdin === undefined ? {} : { stdin: this.stdin }),
      stdout: this.output('stdout'),
      stderr: this.output('stderr'),
      ...(tty ? { resize: this.sizes } : {}),
      signal: run.signal,
    };
    const work = run.execute({ argv, tty, streams, execId });
    this.ended = work.catch((caught: unknown) => ({ kind: 'error', message: String(caught) }));
    void this.ended.then(() => {
      this.stdin?.destroy();
      this.sizes.end();
    });
  }

  /** Connects a client: its output from now on, and its input if it has one. */
  attach(streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    const { stdinOnce = false, tty = false } = this.options.container;
    feedInput(streams.stdin, { stdin: this.stdin, isTerminal: tty }, !stdinOnce);
    void followSizes(streams.resize, { resize: (size) => this.sizes.push(size) });
    // The log has a terminal's output as the terminal wrote it.
    return followOutput(this.options.run, streams, false);
  }

  private output(stream: LogStream): Writable {
    const { logs } = this.options.run;
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        logs.append(stream, chunk);
        done();
      },
    });
  }
}

/** Sizes of a terminal as they change; only the newest unread one is kept. */
class Sizes implements AsyncIterable<TerminalSize> {
  private newest: TerminalSize | undefined;
  private ended = false;
  private wake: () => void = () => undefined;

  push(size: TerminalSize): void {
    this.newest = size;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize, void, undefined> {
    while (!this.ended) {
      const size = this.newest;
      this.newest = undefined;
      if (size !== undefined) yield size;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }
}
