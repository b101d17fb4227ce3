import { PassThrough, Readable, Writable } from 'node:stream';
import { TunnelError } from '../core/errors.js';
import type { ClusterClient, PodTarget, RequestOptions } from './cluster-client.js';

/** Options of `exec`. */
export interface ExecOptions extends RequestOptions {
  /** The input of the command, which then ends. Default: no input. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Runs the command in a terminal, with all output in `stdout`. Default false. */
  readonly tty?: boolean;
}

/** The result of a command. */
export interface ExecOutcome {
  /** The exit code of the command. */
  readonly exitCode: number;
  /** All standard output, read as UTF-8. With a TTY it contains standard error, too. */
  readonly stdout: string;
  /** All standard error, read as UTF-8. Empty with a TTY. */
  readonly stderr: string;
  /** The name of the request in the journal; `lab.ladder(request)` draws it. */
  readonly request: string;
}

/** Runs a command and gathers its output. Rejects with a TunnelError when it could not be run to its end. */
export async function execAndGather(
  cluster: ClusterClient,
  target: PodTarget,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecOutcome> {
  const stdout = new Gatherer();
  const stderr = new Gatherer();
  let request = '';
  const streams = {
    stdout,
    ...(options.tty ? {} : { stderr }),
    ...(options.stdin === undefined ? {} : { stdin: toReadable(options.stdin) }),
    signal: options.signal ?? new AbortController().signal,
  };
  const onRequest = (name: string): void => {
    request = name;
  };
  const result = await cluster.exec(target, command, streams, { ...options, onRequest });
  if (result.kind === 'error')
    throw new TunnelError('COMMAND_NOT_FOUND', result.message, { where: 'kubelet' });
  return { exitCode: result.code, stdout: stdout.text(), stderr: stderr.text(), request };
}

function toReadable(input: string | Uint8Array | Readable): Readable {
  if (input instanceof Readable) return input;
  const whole = new PassThrough();
  whole.end(input);
  return whole;
}

class Gatherer extends Writable {
  private readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
