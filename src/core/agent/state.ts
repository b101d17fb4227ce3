import type { Clock, Timer } from '../clock.js';
import type { Credits } from '../credits.js';
import type { FaithfulSet } from '../faithful.js';
import type { HeldRounds } from '../held-rounds.js';
import { type ConnectId, closeResponse, type DialId, dialFailure, type Packet } from '../packet.js';
import type { Congestible, Drained, PacketPort } from '../port.js';
import type { WindowBudget } from '../receive-window.js';
import type { StallGuard } from '../stall-guard.js';
import type { UnreadAnswers } from '../unread-answers.js';

/** The connection to an endpoint. The machine calls it; a driver owns the socket. */
export interface EndpointPort extends Drained {
  write(data: Uint8Array): void;
  /** Writes the queued bytes, then closes. Later bytes of the endpoint are dropped. */
  finish(): void;
  /** Cancels a dial, or closes the socket and drops all queued bytes. */
  destroy(): void;
}

/** Opens an endpoint. It calls `dialSucceeded` or `dialFailed` with this endpoint, but only after it has returned. */
export type OpenEndpoint = (endpoint: Endpoint) => EndpointPort;

/** One connection to an endpoint. It exists from its DIAL_REQ on. */
export interface Endpoint {
  readonly dialId: DialId;
  readonly connectId: ConnectId;
  readonly address: string;
  readonly startedAt: number;
  kind: 'dialing' | 'open' | 'closed';
  port: EndpointPort | undefined;
  timer: Timer | undefined;
  /** Payload passed on so far, bytes. */
  toEndpointBytes: number;
  fromEndpointBytes: number;
  /** Both together at the last round; −1 before the first. */
  bytesAtRound: number;
  /** Drops an endpoint that does not read: its full queue holds up all others of the server stream (R19). */
  readonly guard: StallGuard;
  /** Absent without flow control (R27). */
  /** What the frontend takes at first, bytes. 0: no flow control, because it did not ask for it, or a server does not know it. */
  readonly peerWindow: number;
  /** Absent without flow control, and before the dial has succeeded. */
  credits: Credits | undefined;
}

export const dialFailureReasons = [
  'timeout',
  'refused',
  'unreachable',
  'not_found',
  'cancelled',
  'server_lost',
  'other',
] as const;
export type DialFailureReason = (typeof dialFailureReasons)[number];

export const endpointCloseReasons = [
  'server',
  'endpoint',
  'server_lost',
  'endpoint_stalled',
  'window_exceeded',
  'dial_cancelled',
] as const;
export type EndpointCloseReason = (typeof endpointCloseReasons)[number];

/** Reports of an agent machine. Each method must return at once. */
export interface AgentObserver {
  packet(direction: 'from_server' | 'to_server', packet: Packet): void;
  dialStarted(endpoint: Endpoint): void;
  dialSucceeded(endpoint: Endpoint, tookMs: number): void;
  dialFailed(endpoint: Endpoint, text: string, reason: DialFailureReason): void;
  endpointClosed(endpoint: Endpoint, livedMs: number, reason: EndpointCloseReason): void;
}

export interface AgentContext {
  readonly clock: Clock;
  readonly observer: AgentObserver;
  readonly server: PacketPort;
  readonly openEndpoint: OpenEndpoint;
  readonly nextConnectId: () => ConnectId;
  readonly dialTimeoutMs: number;
  readonly faithful: FaithfulSet;
  readonly endpoints: Map<ConnectId, Endpoint>;
  readonly unreadAnswers: UnreadAnswers;
  readonly windowBudget: WindowBudget;
  /** The server has agreed to flow control (R27). */
  creditsAgreed: boolean;
  /** Absent unless the server asks for quiet connections, too (R31). */
  rounds: HeldRounds<Endpoint> | undefined;
}

export function sendToServer(context: AgentContext, packet: Packet): void {
  context.observer.packet('to_server', packet);
  context.server.send(packet);
}

/** Answers a packet. Returns the server stream when too many answers wait. */
export function answerServer(context: AgentContext, packet: Packet): Congestible | undefined {
  sendToServer(context, packet);
  return context.unreadAnswers.add();
}

/** Removes an endpoint from the table. The caller closes its socket. */
export function closeEndpoint(context: AgentContext, endpoint: Endpoint, reason: EndpointCloseReason): void {
  const wasOpen = endpoint.kind === 'open';
  endpoint.kind = 'closed';
  endpoint.timer?.cancel();
  endpoint.guard.cancel();
  endpoint.credits?.drop();
  context.endpoints.delete(endpoint.connectId);
  if (wasOpen) context.observer.endpointClosed(endpoint, context.clock.now() - endpoint.startedAt, reason);
}

/** Writes the queued bytes of a removed endpoint, then closes its socket. */
export function finishEndpoint(context: AgentContext, endpoint: Endpoint): void {
  if (context.faithful.has('queued-data-lost-at-close')) endpoint.port?.destroy();
  else endpoint.port?.finish();
}

/** Closes the connection of an endpoint that has ended, after the bytes that wait for credit (R20). */
export function endConnection(context: AgentContext, endpoint: Endpoint): void {
  if (endpoint.kind !== 'open') return;
  if (endpoint.credits?.congested === true) {
    return endpoint.credits.whenClear(() => endConnection(context, endpoint));
  }
  closeEndpoint(context, endpoint, 'endpoint');
  finishEndpoint(context, endpoint);
  sendToServer(context, closeResponse(endpoint.connectId));
}

/** Closes the connection of an endpoint or server that breaks the rules, and drops what waits for the endpoint. */
export function dropEndpoint(
  context: AgentContext,
  endpoint: Endpoint,
  { reason, text }: { readonly reason: EndpointCloseReason; readonly text: string },
): void {
  closeEndpoint(context, endpoint, reason);
  endpoint.port?.destroy();
  sendToServer(context, closeResponse(endpoint.connectId, text));
}

/** Ends a dial without a connection. `text` is what the frontend gets to see, in the words of Go's dialer. */
export function failDial(
  context: AgentContext,
  endpoint: Endpoint,
  text: string,
  reason: DialFailureReason,
): void {
  if (endpoint.kind !== 'dialing') return;
  closeEndpoint(context, endpoint, 'endpoint');
  endpoint.port?.destroy();
  context.observer.dialFailed(endpoint, text, reason);
  sendToServer(context, dialFailure(endpoint.dialId, text));
}
