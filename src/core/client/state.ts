import type { Clock, Timer } from '../clock.js';
import type { Credits } from '../credits.js';
import type { ErrorCode } from '../errors.js';
import { type ConnectId, closeRequest, type DialId, type Packet } from '../packet.js';
import type { Drained, PacketPort } from '../port.js';
import type { ReceiveWindow } from '../receive-window.js';
import type { StallGuard } from '../stall-guard.js';
import type { UnreadAnswers } from '../unread-answers.js';

/** The owner of a tunnelled connection. Each method must return at once. */
export interface TunnelUser {
  established(): void;
  failed(code: ErrorCode, text: string): void;
  /** Returns the reader's queue when it is full. */
  data(bytes: Uint8Array): Drained | undefined;
  /** The connection ended. `error` is empty after an ordinary end. */
  closed(error: string): void;
  packet(direction: 'in' | 'out', packet: Packet): void;
}

export type TunnelState =
  | { readonly kind: 'dialing'; readonly timer: Timer }
  | { readonly kind: 'open'; readonly connectId: ConnectId }
  | { readonly kind: 'closing'; readonly connectId: ConnectId; readonly timer: Timer }
  | { readonly kind: 'ended' };

/** The state that all handlers of a tunnel machine share: one dial and its connection. */
export interface TunnelContext {
  readonly clock: Clock;
  readonly server: PacketPort;
  readonly user: TunnelUser;
  readonly dialId: DialId;
  readonly unreadAnswers: UnreadAnswers;
  readonly guard: StallGuard;
  state: TunnelState;
  /** The reader's queue, after it was full once. */
  reader: Drained | undefined;
  /** Server and client have agreed to flow control (R27). */
  creditsAgreed: boolean;
  /** Absent when it does not ask for flow control. */
  window: ReceiveWindow | undefined;
  /** Absent without flow control. */
  credits: Credits | undefined;
}

export function connectIdOf({ state }: TunnelContext): ConnectId | undefined {
  return state.kind === 'open' || state.kind === 'closing' ? state.connectId : undefined;
}

export function sendToServer(context: TunnelContext, packet: Packet): void {
  context.user.packet('out', packet);
  context.server.send(packet);
}

export function failDial(context: TunnelContext, code: ErrorCode, text: string): void {
  if (context.state.kind !== 'dialing') return;
  context.state.timer.cancel();
  context.state = { kind: 'ended' };
  context.user.failed(code, text);
}

/** Ends the connection. `error` is empty after an ordinary end. */
export function endConnection(context: TunnelContext, error: string): void {
  context.guard.cancel();
  if (context.state.kind === 'closing') context.state.timer.cancel();
  context.state = { kind: 'ended' };
  context.user.closed(error);
  context.credits?.drop();
}

/** Ends the connection with an error, and tells the server. */
export function abandonConnection(context: TunnelContext, text: string): void {
  const { state } = context;
  if (state.kind !== 'open') return;
  sendToServer(context, closeRequest(state.connectId));
  endConnection(context, text);
}
