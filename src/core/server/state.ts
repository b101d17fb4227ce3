import type { AnswerDebt } from '../answer-debt.js';
import type { Clock, Timer } from '../clock.js';
import type { ErrorCode } from '../errors.js';
import type { FaithfulSet } from '../faithful.js';
import type { AgentIdentifiers } from '../identifiers.js';
import type { CloseReason, DialFacts, DialFailureReason, ServerObserver } from '../observer.js';
import { type ConnectId, closeRequest, type DialId, type Packet } from '../packet.js';
import type { ClosablePort, PacketPort } from '../port.js';
import type { StallGuard } from '../stall-guard.js';
import type { BackendTable } from '../strategy.js';

/** One agent stream. Connections and dials are keyed by the stream, never by the agent ID (R12). */
export interface Backend {
  /** For events: `agent/<agent ID>`. */
  readonly name: string;
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  readonly port: PacketPort;
  readonly dials: Map<DialId, PendingDial>;
  readonly connections: Map<ConnectId, Connection>;
  draining: boolean;
  /** What it has not read of our answers to its own mistakes. */
  readonly debt: AnswerDebt;
  /** When its last packet was noticed; data is noticed when somebody asks. */
  seenAt: number;
  /** Bytes received from it when `seenAt` was last brought up to date. */
  seenBytes: number;
  /** Payload of its connections that are over. */
  readonly ended: EndedPayload;
}

/** Sums, bytes. */
export interface EndedPayload {
  toAgentBytes: number;
  fromAgentBytes: number;
}

/** What a frontend speaks. */
export type FrontendProtocol = 'grpc' | 'http-connect';

/** One frontend stream: a gRPC Proxy stream or one CONNECT request. */
export interface Frontend {
  readonly name: string;
  readonly protocol: FrontendProtocol;
  readonly port: ClosablePort;
  readonly dials: Set<PendingDial>;
  readonly connections: Map<ConnectId, Connection>;
  /** The agent stream of the latest dial. */
  backend: Backend | undefined;
  /** The one connection ID that this stream may use (R8). */
  claimed: ConnectId | undefined;
  /** True once the server only reads and discards (R9). */
  stopped: boolean;
  /** True once the server has ended its direction of a stopped stream. */
  finishing: boolean;
  /** Counts down to that end. */
  linger: Timer | undefined;
  /** Cuts a stream that takes nothing of what is queued for it, or does not follow the server's end (R19). */
  readonly guard: StallGuard;
}

/** A DIAL_REQ on its way; its timer and the two streams are the only ones who may end it. */
export interface PendingDial extends DialFacts {
  readonly from: Frontend;
  readonly to: Backend;
  readonly startedAt: number;
  timer: Timer | undefined;
}

/** `closing`: the frontend is gone and the agent was told; late DATA is swallowed until its CLOSE_RSP. */
export interface Connection {
  readonly connectId: ConnectId;
  readonly dial: PendingDial;
  readonly establishedAt: number;
  kind: 'established' | 'closing';
  /** Payload passed on so far, bytes. */
  toAgentBytes: number;
  fromAgentBytes: number;
}

export interface ServerLimits {
  /** How long an agent may take to answer a dial; 0 means for ever, as Konnectivity's default is. */
  readonly backendDialTimeoutMs: number;
}

/** What all handlers of a server machine share. */
export interface ServerContext {
  readonly clock: Clock;
  readonly observer: ServerObserver;
  readonly limits: ServerLimits;
  /** Behaviours of the original that are wanted back. */
  readonly faithful: FaithfulSet;
  readonly backends: BackendTable<Backend>;
  readonly counts: { pendingDials: number; established: number; stalledFrontends: number };
  /** Payload of all connections that are over. */
  readonly ended: EndedPayload;
}

export function sendToBackend(context: ServerContext, backend: Backend, packet: Packet): void {
  context.observer.packet('to_agent', backend.name, packet);
  backend.port.send(packet);
}

export function sendToFrontend(context: ServerContext, frontend: Frontend, packet: Packet): void {
  context.observer.packet('to_client', frontend.name, packet);
  frontend.port.send(packet);
}

/** Takes a dial out of every table and stops its timer. The caller tells whom it concerns. */
export function forgetDial(context: ServerContext, dial: PendingDial): void {
  if (!dial.to.dials.delete(dial.dialId)) return;
  dial.from.dials.delete(dial);
  dial.timer?.cancel();
  context.counts.pendingDials -= 1;
}

export interface DialEnd {
  readonly reason: DialFailureReason;
  readonly code: ErrorCode;
  readonly text: string;
}

/** Ends a dial without a connection. */
export function failDial(context: ServerContext, dial: PendingDial, end: DialEnd): void {
  forgetDial(context, dial);
  context.observer.dialFailed(dial, end.reason, end.code, end.text);
}

/** Takes a connection out of both tables. The caller tells both ends. */
export function forgetConnection(context: ServerContext, connection: Connection, reason: CloseReason): void {
  const { from, to } = connection.dial;
  if (to.connections.get(connection.connectId) !== connection) return;
  to.connections.delete(connection.connectId);
  // A closing one has left its frontend, which may hold another agent's connection of that ID by now.
  if (connection.kind === 'closing') return;
  from.connections.delete(connection.connectId);
  reportClosed(context, connection, reason);
}

/** The frontend no longer wants it: tell the agent, and wait for its CLOSE_RSP without passing anything on. */
export function closeTowardsAgent(context: ServerContext, connection: Connection, reason: CloseReason): void {
  if (connection.kind === 'closing') return;
  reportClosed(context, connection, reason);
  connection.kind = 'closing';
  connection.dial.from.connections.delete(connection.connectId);
  sendToBackend(context, connection.dial.to, closeRequest(connection.connectId));
}

export function reportClosed(context: ServerContext, connection: Connection, reason: CloseReason): void {
  const { dialId, frontend, agent, address } = connection.dial;
  context.counts.established -= 1;
  const { connectId, toAgentBytes, fromAgentBytes, establishedAt } = connection;
  const livedMs = context.clock.now() - establishedAt;
  for (const ended of [connection.dial.to.ended, context.ended]) {
    ended.toAgentBytes += toAgentBytes;
    ended.fromAgentBytes += fromAgentBytes;
  }
  const bytes = { toAgentBytes, fromAgentBytes };
  context.observer.connectionClosed(
    { dialId, connectId, frontend, agent, address, livedMs, ...bytes },
    reason,
  );
}
