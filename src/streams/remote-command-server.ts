import { TunnelError } from '../core/errors.js';
import { kubeletSpdyProtocols, remoteCommandWebSocketProtocols, upgradeKind } from './protocol-names.js';
import type {
  RemoteCommandContext,
  RemoteCommandJob,
  RemoteCommandSettings,
  RunRemoteCommand,
} from './remote-command-context.js';
import { serveSpdyRemoteCommand } from './remote-command-spdy.js';
import { serveWebSocketRemoteCommand } from './remote-command-websocket.js';
import type { RemoteCommandOptions, Upgrade } from './types.js';
import { guardSocket, refuseUpgrade } from './upgrade-response.js';

const noStreams = 'you must specify at least 1 of stdin, stdout, stderr';

function settingsOf(context: RemoteCommandContext): RemoteCommandSettings {
  return {
    ...context,
    spdyProtocols: context.spdyProtocols ?? kubeletSpdyProtocols,
    webSocketProtocols: context.webSocketProtocols ?? remoteCommandWebSocketProtocols,
    creationTimeoutMs: context.creationTimeoutMs ?? 30_000,
    idleTimeoutMs: context.idleTimeoutMs ?? 4 * 3_600_000,
  };
}

/**
 * Serves an exec or attach as a kubelet does, over SPDY/3.1 (POST or GET) or WebSocket, as the client asks. Answers the
 * upgrade, runs the command on the client's streams, sends its status and closes. Never throws. A client that breaks
 * the protocol only loses its connection.
 */
export function serveRemoteCommand(
  upgrade: Upgrade,
  options: RemoteCommandOptions,
  run: RunRemoteCommand,
  context: RemoteCommandContext,
): void {
  guardSocket(upgrade.socket);
  const settings = settingsOf(context);
  const wanted: RemoteCommandOptions = { ...options, stderr: options.stderr && !options.tty };
  const job: RemoteCommandJob = { upgrade, options: wanted, run, settings };
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
    refuseRemoteCommand(job, 400, noStreams);
    return;
  }
  switch (upgradeKind(upgrade.request)) {
    case 'websocket':
      serveWebSocketRemoteCommand(job);
      return;
    case 'spdy':
      serveSpdyRemoteCommand(job);
      return;
    case undefined: {
      const headers = JSON.stringify(job.upgrade.request.headers);
      refuseRemoteCommand(job, 400, `unable to upgrade: missing upgrade headers in request: ${headers}`);
    }
  }
}

function refuseRemoteCommand(job: RemoteCommandJob, status: number, text: string): void {
  refuseUpgrade(job.upgrade.socket, { status, body: `${text}\n` }, job.settings.clock);
  job.settings.onFailure?.(new TunnelError('BAD_REQUEST', text));
}
