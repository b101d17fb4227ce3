import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { StreamProtocol } from './types.js';

/** Opens one connection to a port of the pod. What it rejects with becomes the cause in the client's error text. */
export type ConnectPort = (port: number, signal: AbortSignal) => Promise<Duplex>;

export interface PortForwardContext {
  readonly clock: Clock;
  /** The runtime's ID of the pod, for `error forwarding port N to pod ID, uid UID: CAUSE`. */
  readonly podId: string;
  /** Real runtimes leave it empty. */
  readonly podUid?: string;
  readonly onProtocol?: (protocol: StreamProtocol) => void;
  /** Called for each refused upgrade, refused stream and failed forward. */
  readonly onFailure?: (error: TunnelError) => void;
  /** Ends the connection at once; for a server that closes. */
  readonly signal?: AbortSignal;
  /** How long the second stream of a pair may take. Default 30 s. */
  readonly creationTimeoutMs?: number;
  /** Once one direction of a connection has ended, the other has this long. Default 1 s, as in containerd. */
  readonly lingerMs?: number;
  /** Default 4 h. */
  readonly idleTimeoutMs?: number;
}

/** A context with its defaults filled in. */
export interface PortForwardSettings extends PortForwardContext {
  readonly connect: ConnectPort;
  readonly podUid: string;
  readonly creationTimeoutMs: number;
  readonly lingerMs: number;
  readonly idleTimeoutMs: number;
}

/** The text of a failed forward; kubectl shows it behind `an error occurred forwarding LOCAL -> PORT: `. */
export function forwardErrorText(settings: PortForwardSettings, port: number, cause: unknown): string {
  const { podId, podUid } = settings;
  const error = TunnelError.from(cause, 'PORT_CLOSED');
  const text = `error forwarding port ${port} to pod ${podId}, uid ${podUid}: ${error.message}`;
  settings.onFailure?.(new TunnelError(error.code, text, { cause }));
  return text;
}

/** A decimal port, 0 included, or undefined for anything else. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port <= 0xffff ? port : undefined;
}
