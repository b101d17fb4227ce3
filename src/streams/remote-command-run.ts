import { TunnelError } from '../core/errors.js';
import type { RunRemoteCommand } from './remote-command-context.js';
import type { RemoteCommandResult, RemoteCommandStreams } from './types.js';

/** Calls `run`; what it throws becomes an error result, for the client has to get a status in any case. */
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
