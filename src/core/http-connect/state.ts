import type { CongestionMeter } from '../congestion.js';
import { type ConnectId, type DialId, type Packet, sendData } from '../packet.js';
import type { Congestible, Drained } from '../port.js';

/** The socket of a client, as the machine uses it; a driver owns it. */
export interface ConnectClient extends Drained {
  /** Queues bytes for the client. */
  write(bytes: Uint8Array): void;
  /**
   * Writes what is queued, then ends our direction. What the client still sends is read and dropped. `ended` is called
   * once the system has it all, if it ever does.
   */
  end(ended: () => void): void;
  /** Closes at once; what is queued is lost. */
  destroy(): void;
}

export type ConnectState =
  | { readonly kind: 'dialing'; readonly early: Uint8Array[] }
  | { readonly kind: 'open' | 'closing'; readonly connectId: ConnectId }
  | { readonly kind: 'ended' };

/** What all handlers of one CONNECT request share. */
export interface ConnectContext {
  readonly client: ConnectClient;
  readonly dialId: DialId;
  /** Hands a packet of this frontend to the server machine; returns what may be too full now. */
  readonly toServer: (packet: Packet) => Congestible | undefined;
  /** Answers 200 before it asks an agent, as v0.30 does. */
  readonly answersEarly: boolean;
  /** Called once when the dial is over, whatever became of it. */
  readonly dialOver: () => void;
  /** What the client sent before its dial was answered. */
  readonly early: CongestionMeter;
  /** Ends our direction towards the client, then waits for its own end. */
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
