import type { Readable, Writable } from 'node:stream';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { TunnelError } from '../../core/errors.js';
import type { RemoteCommandResult, RemoteCommandStreams, TerminalSize } from '../../streams/types.js';
import type { ExecMessage } from '../../wire/gen/konnsim/kubelet/v1/ExecMessage.js';
import type { ExecOutput__Output } from '../../wire/gen/konnsim/kubelet/v1/ExecOutput.js';
import type { ExecStart } from '../../wire/gen/konnsim/kubelet/v1/ExecStart.js';
import type { Exit__Output } from '../../wire/gen/konnsim/kubelet/v1/Exit.js';
import { piecesOf } from '../../wire/net/message-pieces.js';

export type CommandCall = ClientDuplexStream<ExecMessage, ExecOutput__Output>;

function resultOf(exit: Exit__Output): RemoteCommandResult {
  return exit.result === 'error'
    ? { kind: 'error', message: exit.error ?? '' }
    : { kind: 'exit', code: exit.code ?? 0 };
}

class RemoteCommandCall {
  private readonly call: CommandCall;
  private readonly streams: RemoteCommandStreams;
  private result: RemoteCommandResult | undefined;
  private over = false;
  private stdinClosed = false;
  private readonly cleanups: (() => void)[] = [];

  constructor(call: CommandCall, streams: RemoteCommandStreams) {
    this.call = call;
    this.streams = streams;
  }

  /** Rejects with the ServiceError of the call, or with the error of one of the caller's streams. */
  run(start: ExecStart): Promise<RemoteCommandResult> {
    return new Promise<RemoteCommandResult>((resolve, reject) => {
      this.call.on('error', reject);
      this.call.on('end', () => this.finish(resolve, reject));
      this.call.on('data', (message: ExecOutput__Output) => this.receive(message));
      this.watchOutputs(reject);
      this.call.write({ start });
      this.sendInput(reject);
      this.sendSizes().catch(reject);
    }).finally(() => this.cleanUp());
  }

  /** gRPC reports a bad status before the end, so an end with no exit is an OK without a result. */
  private finish(resolve: (result: RemoteCommandResult) => void, reject: (error: Error) => void): void {
    if (this.result !== undefined) resolve(this.result);
    else reject(new TunnelError('PROTOCOL_VIOLATION', 'the call ended without an exit message'));
  }

  private receive(message: ExecOutput__Output): void {
    if (message.exit) this.result = resultOf(message.exit);
    else if (message.stdout) this.deliver(this.streams.stdout, message.stdout);
    else if (message.stderr) this.deliver(this.streams.stderr, message.stderr);
  }

  private deliver(output: Writable | undefined, chunk: Buffer): void {
    if (output === undefined || output.destroyed || output.write(chunk)) return;
    this.call.pause();
  }

  /** An output that closes while the command runs ends the command, because its output has no reader. */
  private watchOutputs(reject: (error: Error) => void): void {
    const outputs = [this.streams.stdout, this.streams.stderr].filter((output) => output !== undefined);
    const resume = (): void => {
      if (outputs.every((output) => !output.writableNeedDrain)) this.call.resume();
    };
    for (const output of outputs) {
      const lost = (cause?: Error): void =>
        reject(new TunnelError('DIAL_CANCELLED', 'the output was closed by its reader', { cause }));
      this.listen(output, 'error', lost);
      this.listen(output, 'close', lost);
      this.listen(output, 'drain', resume);
    }
  }

  private sendInput(reject: (error: Error) => void): void {
    const { stdin } = this.streams;
    if (stdin === undefined) return;
    this.listen(stdin, 'data', (chunk: Buffer | string) => this.sendChunk(stdin, chunk));
    this.listen(stdin, 'end', () => this.closeStdin());
    this.listen(stdin, 'close', () => this.closeStdin());
    this.listen(stdin, 'error', reject);
    this.cleanups.push(() => stdin.pause());
    if (stdin.readableEnded || stdin.destroyed) this.closeStdin();
  }

  private sendChunk(stdin: Readable, chunk: Buffer | string): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (const piece of piecesOf([bytes])) this.send({ stdin: piece });
    if (this.over || !this.call.writableNeedDrain) return;
    stdin.pause();
    this.call.once('drain', () => {
      if (!this.over) stdin.resume();
    });
  }

  private closeStdin(): void {
    if (this.stdinClosed) return;
    this.stdinClosed = true;
    this.send({ closeStdin: {} });
  }

  private async sendSizes(): Promise<void> {
    const sizes = this.streams.resize?.[Symbol.asyncIterator]();
    if (sizes === undefined) return;
    this.cleanups.push(() => void sizes.return?.());
    for (;;) {
      const next: IteratorResult<TerminalSize> = await sizes.next();
      if (next.done === true || this.over) return;
      const { width, height } = next.value;
      this.send({ resize: { width, height } });
    }
  }

  private send(message: ExecMessage): void {
    if (!this.over && !this.call.destroyed) this.call.write(message);
  }

  private listen<Arguments extends unknown[]>(
    emitter: NodeJS.EventEmitter,
    event: string,
    listener: (...values: Arguments) => void,
  ): void {
    emitter.on(event, listener);
    this.cleanups.push(() => emitter.off(event, listener));
  }

  private cleanUp(): void {
    this.over = true;
    for (const cleanup of this.cleanups) cleanup();
    if (this.result === undefined) this.call.cancel();
    else this.call.end();
  }
}

/** Runs one Exec or Attach over `call`. The caller's streams are neither ended nor destroyed. */
export function runRemoteCommand(
  call: CommandCall,
  start: ExecStart,
  streams: RemoteCommandStreams,
): Promise<RemoteCommandResult> {
  return new RemoteCommandCall(call, streams).run(start);
}
