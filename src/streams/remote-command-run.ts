import { TunnelError } from '../core/errors.js';
import type { RunRemoteCommand } from './remote-command-context.js';
import type { RemoteCommandResult, RemoteCommandStreams } from './types.js';

/** Calls `run`. A thrown error becomes an error result, because the client must get a status. */
export async function runToResult(
  run: RunRemoteCommand,
  streams: RemoteCommandStreams,
): Promise<RemoteCommandResult> {
  try {
    return await run(streams);
  } catch (error) {
    return { kind: 'error', message: TunnelError.from(error).message };
  }
}
