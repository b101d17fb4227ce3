import type { CongestionMeter } from '../congestion.js';
import { type ConnectId, type DialId, type Packet, sendData } from '../packet.js';
import type { Congestible, Drained } from '../port.js';

/** The connection to a client. The machine calls it; a driver owns the socket. */
export interface ConnectClient extends Drained {
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
  readonly dialOver: () => void;
  /** The bytes that the client sent before its dial was answered. */
  readonly early: CongestionMeter;
  /** Ends our direction, then waits for the client's end. */
  readonly finish: () => void;
  state: ConnectState;
}

export function ownsConnection({ state }: ConnectContext, connectId: ConnectId): boolean {
  return (state.kind === 'open' || state.kind === 'closing') && state.connectId === connectId;
}

export function writeText({ client }: ConnectContext, text: string): void {
  client.write(new TextEncoder().encode(text));
}

export function sendBytes(
  { toServer }: ConnectContext,
  connectId: ConnectId,
  bytes: Uint8Array,
): Congestible | undefined {
  let full: Congestible | undefined;
  sendData(connectId, bytes, (packet) => {
    full = toServer(packet);
  });
  return full;
}
