import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { StreamProtocol } from './types.js';

/** Opens one connection to a port of the pod. The client's error text shows the text of a rejection. */
export type ConnectPort = (port: number, signal: AbortSignal) => Promise<Duplex>;

export interface PortForwardContext {
  readonly clock: Clock;
  /** The runtime's ID of the pod, for `error forwarding port N to pod ID, uid UID: CAUSE`. */
  readonly podId: string;
  /** Empty in real runtimes. */
  readonly podUid?: string;
  readonly onProtocol?: (protocol: StreamProtocol) => void;
  /** Called for each refused upgrade, refused stream and failed forward. */
  readonly onFailure?: (error: TunnelError) => void;
  /** Aborting ends the connection at once, when the server closes. */
  readonly signal?: AbortSignal;
  /** How long the second stream of a pair may take, ms. Default 30 s. */
  readonly creationTimeoutMs?: number;
  /** How long one direction may outlive the other, ms. Default 1 s, as in containerd. */
  readonly lingerMs?: number;
  /** How long the connection may be idle, ms. Default 4 h. */
  readonly idleTimeoutMs?: number;
}

export interface PortForwardSettings extends PortForwardContext {
  readonly connect: ConnectPort;
  readonly podUid: string;
  readonly creationTimeoutMs: number;
  readonly lingerMs: number;
  readonly idleTimeoutMs: number;
}

/** The text of a failed forward. kubectl shows it after `an error occurred forwarding LOCAL -> PORT: `. */
export function forwardErrorText(settings: PortForwardSettings, port: number, cause: unknown): string {
  const { podId, podUid } = settings;
  const error = TunnelError.from(cause, 'PORT_CLOSED');
  const text = `error forwarding port ${port} to pod ${podId}, uid ${podUid}: ${error.message}`;
  settings.onFailure?.(new TunnelError(error.code, text, { cause }));
  return text;
}

/** A decimal port, also 0. Undefined for any other text. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port <= 0xffff ? port : undefined;
}
