import { Writable } from 'node:stream';
import type { ContainerRef } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { DoorContext } from './door-context.js';

/** The runtime interface of Kubernetes cuts the output of a synchronous exec at 16 MB. */
const outputLimitBytes = 16 * 1024 * 1024;

class Collector extends Writable {
  private readonly chunks: Buffer[] = [];
  private sizeBytes = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const kept = chunk.subarray(0, outputLimitBytes - this.sizeBytes);
    this.sizeBytes += kept.length;
    if (kept.length > 0) this.chunks.push(kept);
    done();
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

export interface RunReply {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * Runs the command of `/run` and returns its standard output followed by its standard error. A command that fails, or
 * cannot be run, is a 500. It is killed when the client leaves, because the kubelet asks its container runtime in a
 * call that ends with the request.
 */
export async function runCommand(
  context: DoorContext,
  ref: ContainerRef,
  commandText: string,
  signal: AbortSignal,
): Promise<RunReply> {
  const command = commandText.split(' ');
  const stdout = new Collector();
  const stderr = new Collector();
  try {
    const request = { ...ref, command, tty: false, endsWithClient: true };
    const result = await context.runtime.exec(request, { stdout, stderr, signal });
    if (result.kind === 'error') return textReply(500, result.message);
    if (result.code === 0) {
      return { status: 200, body: Buffer.concat([stdout.bytes(), stderr.bytes()]) };
    }
    return textReply(
      500,
      `command '${commandText}' exited with ${result.code}: ${stderr.bytes().toString()}`,
    );
  } catch (caught) {
    return refusalOfRun(TunnelError.from(caught), ref);
  }
}

function textReply(status: number, text: string): RunReply {
  return { status, body: Buffer.from(text) };
}

function refusalOfRun(error: TunnelError, ref: ContainerRef): RunReply {
  if (error.code === 'POD_NOT_FOUND') return textReply(404, 'pod does not exist');
  if (error.code === 'CONTAINER_NOT_FOUND') return textReply(500, `container not found ("${ref.container}")`);
  return textReply(500, error.message);
}
