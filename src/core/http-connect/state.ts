import type { CongestionMeter } from '../congestion.js';
import type { Credits } from '../credits.js';
import { type ConnectId, type DialId, type Packet, sendData } from '../packet.js';
import type { BoundedQueue, Congestible } from '../port.js';
import type { ReceiveWindow } from '../receive-window.js';

/** The connection to a client. The machine calls it; a driver owns the socket. */
export interface ConnectClient extends BoundedQueue {
  write(bytes: Uint8Array): void;
  /** Writes the queued bytes, then ends our direction, and calls `ended`. Later bytes are read and dropped. */
  end(ended: () => void): void;
  /** Closes at once. Queued bytes are lost. */
  destroy(): void;
}

export type ConnectState =
  | { readonly kind: 'dialing'; readonly early: Uint8Array[] }
  | { readonly kind: 'open' | 'closing'; readonly connectId: ConnectId }
  | { readonly kind: 'ended' };

export interface ConnectContext {
  readonly client: ConnectClient;
  readonly dialId: DialId;
  readonly toServer: (packet: Packet) => Congestible | undefined;
  /** Answers 200 before it asks an agent, as v0.30 does. */
  readonly answersEarly: boolean;
  /** Absent when the client does not ask for flow control. */
  readonly window: ReceiveWindow | undefined;
  readonly dialOver: () => void;
  /** The bytes that the client sent before its dial was answered. */
  readonly early: CongestionMeter;
  /** Ends our direction, then waits for the client's end. */
  readonly finish: () => void;
  state: ConnectState;
  /** Bytes of our own that the client has not taken yet: they are no payload. */
  textBytes: number;
  /** Absent without flow control (R27). */
  credits: Credits | undefined;
}

export function ownsConnection({ state }: ConnectContext, connectId: ConnectId): boolean {
  return (state.kind === 'open' || state.kind === 'closing') && state.connectId === connectId;
}

export function writeText(context: ConnectContext, text: string): void {
  const bytes = new TextEncoder().encode(text);
  context.textBytes += bytes.length;
  context.client.write(bytes);
}

export function sendBytes(
  { toServer, credits }: ConnectContext,
  connectId: ConnectId,
  bytes: Uint8Array,
): Congestible | undefined {
  if (credits !== undefined) return credits.write(bytes);
  let full: Congestible | undefined;
  sendData(connectId, bytes, (packet) => {
    full = toServer(packet);
  });
  return full;
}
