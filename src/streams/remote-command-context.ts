import type { Clock } from '../core/clock.js';
import type { TunnelError } from '../core/errors.js';
import type {
  RemoteCommandOptions,
  RemoteCommandResult,
  RemoteCommandStreams,
  StreamProtocol,
  Upgrade,
} from './types.js';

/** Runs the command on its streams. Resolves with its result when its output is written. */
export type RunRemoteCommand = (streams: RemoteCommandStreams) => Promise<RemoteCommandResult>;

export interface RemoteCommandContext {
  readonly clock: Clock;
  /** Chooses the text before a failure: `error executing command in container: …` or `error attaching to …`. */
  readonly operation: 'exec' | 'attach';
  readonly onProtocol?: (protocol: StreamProtocol) => void;
  /** Called at most once, when an upgrade failed or the client broke the protocol. */
  readonly onFailure?: (error: TunnelError) => void;
  /** Aborting ends the connection at once, when the server closes. */
  readonly signal?: AbortSignal;
  /** Names accepted on SPDY. Default `kubeletSpdyProtocols` (v4 to v1). */
  readonly spdyProtocols?: readonly string[];
  /** `''` is the unnamed protocol. Default `remoteCommandWebSocketProtocols` (v5, v4, older forms). */
  readonly webSocketProtocols?: readonly string[];
  /** How long a SPDY client may take to open all streams, ms. Default 30 s. */
  readonly creationTimeoutMs?: number;
  /** How long the connection may be idle, ms. Default 4 h, as the kubelet's streamingConnectionIdleTimeout. */
  readonly idleTimeoutMs?: number;
}

export type RemoteCommandSettings = RemoteCommandContext &
  Required<
    Pick<RemoteCommandContext, 'spdyProtocols' | 'webSocketProtocols' | 'creationTimeoutMs' | 'idleTimeoutMs'>
  >;

export interface RemoteCommandJob {
  readonly upgrade: Upgrade;
  readonly options: RemoteCommandOptions;
  readonly run: RunRemoteCommand;
  readonly settings: RemoteCommandSettings;
}
