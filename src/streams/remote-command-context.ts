import type { Clock } from '../core/clock.js';
import type { TunnelError } from '../core/errors.js';
import type {
  RemoteCommandOptions,
  RemoteCommandResult,
  RemoteCommandStreams,
  StreamProtocol,
  Upgrade,
} from './types.js';

/** Runs the command on its streams; resolves with its end once its output is written. */
export type RunRemoteCommand = (streams: RemoteCommandStreams) => Promise<RemoteCommandResult>;

export interface RemoteCommandContext {
  readonly clock: Clock;
  /** Chooses the text in front of a failure: `error executing command in container: …` or `error attaching to …`. */
  readonly operation: 'exec' | 'attach';
  /** Called once, when the protocol is settled. */
  readonly onProtocol?: (protocol: StreamProtocol) => void;
  /** Called at most once, when an upgrade never came to a command or its client broke the protocol. */
  readonly onFailure?: (error: TunnelError) => void;
  /** Ends the connection at once; for a server that closes. */
  readonly signal?: AbortSignal;
  /** Names accepted on SPDY; default `kubeletSpdyProtocols` (v4 to v1). */
  readonly spdyProtocols?: readonly string[];
  /** Names accepted on WebSocket, `''` for none; default `remoteCommandWebSocketProtocols` (v5, v4, older forms). */
  readonly webSocketProtocols?: readonly string[];
  /** How long a SPDY client may take to open all streams. Default 30 s. */
  readonly creationTimeoutMs?: number;
  /** Default 4 h, as the kubelet's streamingConnectionIdleTimeout. */
  readonly idleTimeoutMs?: number;
}

/** A context with its defaults filled in. */
export type RemoteCommandSettings = RemoteCommandContext &
  Required<
    Pick<RemoteCommandContext, 'spdyProtocols' | 'webSocketProtocols' | 'creationTimeoutMs' | 'idleTimeoutMs'>
  >;

/** Everything that one exec or attach needs, whatever carries it. */
export interface RemoteCommandJob {
  readonly upgrade: Upgrade;
  readonly options: RemoteCommandOptions;
  readonly run: RunRemoteCommand;
  readonly settings: RemoteCommandSettings;
}
