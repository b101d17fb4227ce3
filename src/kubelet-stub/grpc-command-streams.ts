import { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { TunnelError } from '../core/errors.js';
import { encodeResize, TerminalResizes } from '../streams/terminal-resizes.js';
import type { RemoteCommandOptions, RemoteCommandStreams } from '../streams/types.js';
import type { ExecMessage__Output } from '../wire/gen/konnsim/kubelet/v1/ExecMessage.js';
import type { ExecOutput } from '../wire/gen/konnsim/kubelet/v1/ExecOutput.js';
import { piecesOf, type SendPiece, sendPieces } from '../wire/net/message-pieces.js';

export type CommandCall = ServerDuplexStream<ExecMessage__Output, ExecOutput>;

/** One output of a command. A chunk is done when the transport has taken it. */
class OutputStream extends Writable {
  private readonly send: SendPiece;

  constructor(send: SendPiece) {
    super();
    this.send = send;
    this.on('error', () => undefined);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    sendPieces(piecesOf([chunk]), this.send, done);
  }

  override _writev(batch: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    sendPieces(piecesOf(batch.map(({ chunk }) => chunk)), this.send, done);
  }
}

/** The input of a command. While it is full, nothing is read from the call. */
function inputStream(call: CommandCall): Readable {
  const stream = new Readable({ read: () => void call.resume() });
  stream.on('error', () => undefined);
  return stream;
}

export class CommandStreams {
  readonly streams: RemoteCommandStreams;
  private readonly call: CommandCall;
  private readonly stdin: Readable | undefined;
  private readonly outputs: readonly Writable[];
  private readonly resizes = new TerminalResizes();
  private inputEnded = false;

  constructor(call: CommandCall, options: RemoteCommandOptions, signal: AbortSignal) {
    this.call = call;
    this.stdin = options.stdin ? inputStream(call) : undefined;
    const stdout = options.stdout
      ? new OutputStream((stdoutPiece, done) => this.send({ stdout: stdoutPiece }, done))
      : undefined;
    const stderr = options.stderr
      ? new OutputStream((stderrPiece, done) => this.send({ stderr: stderrPiece }, done))
      : undefined;
    this.outputs = [stdout, stderr].filter((stream) => stream !== undefined);
    this.streams = {
      signal,
      ...(this.stdin === undefined ? {} : { stdin: this.stdin }),
      ...(stdout === undefined ? {} : { stdout }),
      ...(stderr === undefined ? {} : { stderr }),
      ...(options.tty ? { resize: this.resizes } : {}),
    };
    this.listen();
    if (signal.aborted) this.clientGone();
    else signal.addEventListener('abort', () => this.clientGone(), { once: true });
  }

  /** Ends the outputs. Rejects with TUNNEL_CLOSED when the runtime broke one, which is how it cuts a connection. */
  async flush(): Promise<void> {
    for (const output of this.outputs) output.end();
    try {
      await Promise.all(this.outputs.map((output) => finished(output, { readable: false })));
    } catch (caught) {
      throw TunnelError.from(caught, 'TUNNEL_CLOSED');
    }
  }

  destroy(): void {
    this.clientGone();
    this.stdin?.destroy();
  }

  /** The command can still read what has arrived. */
  private clientGone(): void {
    this.endInput();
    // grpc-js never calls back for a message to a client that has gone, so the waiting writers are ended here.
    for (const output of this.outputs) output.destroy();
  }

  private send(message: ExecOutput, done: (error?: Error | null) => void): void {
    this.call.write(message, done);
  }

  private listen(): void {
    this.call.on('data', (message: ExecMessage__Output) => this.take(message));
    this.call.on('end', () => this.endInput());
    this.call.resume();
  }

  private take(message: ExecMessage__Output): void {
    switch (message.message) {
      case 'stdin':
        return this.takeInput(message.stdin ?? Buffer.alloc(0));
      case 'closeStdin':
        return this.endStdin();
      case 'resize':
        return this.takeSize(message.resize?.width ?? 0, message.resize?.height ?? 0);
      case 'start':
      case undefined:
        // A second start, or a member of a later version of the service: ignore it.
        return;
    }
  }

  private takeInput(chunk: Buffer): void {
    if (this.stdin === undefined || this.stdin.destroyed || this.inputEnded) return;
    if (!this.stdin.push(chunk)) this.call.pause();
  }

  private takeSize(width: number, height: number): void {
    this.resizes.push(Buffer.from(encodeResize({ width, height })));
  }

  private endStdin(): void {
    if (this.inputEnded) return;
    this.inputEnded = true;
    if (this.stdin?.destroyed === false) this.stdin.push(null);
  }

  private endInput(): void {
    this.endStdin();
    this.resizes.end();
  }
}
