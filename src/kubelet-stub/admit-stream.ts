import type { StreamRequest } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { DoorContext } from './door-context.js';

/** The terminal of the container or command, and whether the client wants its error output apart. */
export interface AskedStreams {
  readonly tty: boolean;
  readonly stderr: boolean;
}

/**
 * Asks the container runtime for a stream, and throws its refusal: its own limits first, then streams that it cannot give,
 * then those above its number of tokens.
 */
export function admitStream(
  { runtime, streamTokens }: DoorContext,
  request: StreamRequest,
  { tty, stderr }: AskedStreams = { tty: false, stderr: false },
): void {
  runtime.admitStream?.(request);
  if (tty && stderr) throw new TunnelError('BAD_REQUEST', terminalWithStderr, { hint });
  streamTokens.check();
}

/** A terminal has one output. */
const terminalWithStderr = 'rpc error: code = InvalidArgument desc = tty and stderr cannot both be true';
const hint = 'The container has a terminal: attach to it from a terminal (kubectl attach -it).';
