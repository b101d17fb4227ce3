import type { Clock, Timer } from '../clock.js';
import type { ErrorCode } from '../errors.js';
import type { FaithfulSet } from '../faithful.js';
import type { HeldRounds } from '../held-rounds.js';
import type { AgentIdentifiers } from '../identifiers.js';
import type { CloseReason, DialFacts, DialFailureReason, ServerObserver } from '../observer.js';
import { type ConnectId, closeRequest, type DialId, type Packet } from '../packet.js';
import type { ClosablePort, Congestible, PacketPort } from '../port.js';
import type { StallGuard } from '../stall-guard.js';
import type { BackendTable } from '../strategy.js';
import type { UnreadAnswers } from '../unread-answers.js';

/** One agent stream. Connections and dials are keyed by the stream, never by the agent ID (R12). */
export interface Backend {
  /** Its name in events: `agent/<agent ID>`. */
  readonly name: string;
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  readonly port: PacketPort;
  readonly dials: Map<DialId, PendingDial>;
  readonly connections: Map<ConnectId, Connection>;
  draining: boolean;
  /** Agent and server have agreed to flow control (R27). */
  readonly credits: boolean;
  /** Absent unless the agent asks for quiet connections, too (R31). */
  rounds: HeldRounds<Connection> | undefined;
  /** Answers to its mistakes that it has not read yet. */
  readonly unreadAnswers: UnreadAnswers;
  /** When its last packet was noticed. Data is noticed when an agent view is made. */
  seenAt: number;
  /** Bytes received from it at the time `seenAt`. */
  seenBytes: number;
  /** Payload of its connections that have ended. */
  readonly ended: EndedPayload;
}

export interface EndedPayload {
  toAgentBytes: number;
  fromAgentBytes: number;
}

export type FrontendProtocol = 'grpc' | 'http-connect';

export interface FrontendKind {
  /** Default `grpc`. */
  readonly protocol?: FrontendProtocol;
  /** Frontend and server have agreed to flow control. Default false. */
  readonly credits?: boolean;
}

/** One frontend stream: a gRPC Proxy stream or one CONNECT request. */
export interface Frontend {
  readonly name: string;
  readonly protocol: FrontendProtocol;
  readonly port: ClosablePort;
  readonly dials: Set<PendingDial>;
  readonly connections: Map<ConnectId, Connection>;
  /** Frontend and server have agreed to flow control (R27). */
  readonly credits: boolean;
  /** The agent stream of the latest dial. */
  backend: Backend | undefined;
  /** The one connection ID that this stream may use (R8). */
  claimed: ConnectId | undefined;
  /** True when the server only reads and drops its packets (R9). */
  stopped: boolean;
  /** True when the server has ended its direction of a stopped stream. */
  finishing: boolean;
  /** The timer for that end. */
  linger: Timer | undefined;
  /** Cuts a stream that takes nothing of its queue, or does not end after the server's end (R19). */
  readonly guard: StallGuard;
}

/** A DIAL_REQ that is not answered yet. Only its timer and its two streams may end it. */
export interface PendingDial extends DialFacts {
  readonly from: Frontend;
  readonly to: Backend;
  readonly startedAt: number;
  timer: Timer | undefined;
}

/** `closing`: the frontend is gone and the agent was told. Later DATA is dropped until its CLOSE_RSP. */
export interface Connection {
  readonly connectId: ConnectId;
  readonly dial: PendingDial;
  readonly establishedAt: number;
  kind: 'established' | 'closing';
  /** When the agent was last told to close it, ms. */
  closingAt: number;
  /** Its two ends limit what is under way. */
  readonly credited: boolean;
  /** Payload passed on so far, bytes. */
  toAgentBytes: number;
  fromAgentBytes: number;
  /** Both together at the last round; −1 before the first. */
  bytesAtRound: number;
}

export interface ServerLimits {
  /** How long an agent may take to answer a dial, ms. 0 means no limit, as Konnectivity's default. */
  readonly backendDialTimeoutMs: number;
}

export interface ServerContext {
  readonly clock: Clock;
  readonly observer: ServerObserver;
  readonly limits: ServerLimits;
  readonly faithful: FaithfulSet;
  /** The bytes that wait for all frontends. Full: agents are not read (R22). */
  readonly together: Congestible | undefined;
  readonly backends: BackendTable<Backend>;
  readonly counts: { pendingDials: number; established: number; stalledFrontends: number };
  /** Payload of all connections that have ended. */
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

/** Removes a dial from all tables and stops its timer. The caller tells both sides. */
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

export function failDial(context: ServerContext, dial: PendingDial, end: DialEnd): void {
  forgetDial(context, dial);
  context.observer.dialFailed(dial, end.reason, end.code, end.text);
}

/** Removes a connection from both tables. The caller tells both ends. */
export function forgetConnection(context: ServerContext, connection: Connection, reason: CloseReason): void {
  const { from, to } = connection.dial;
  if (to.connections.get(connection.connectId) !== connection) return;
  to.connections.delete(connection.connectId);
  // A closing connection is not in its frontend's table any more, which may have another agent's connection of that ID.
  if (connection.kind === 'closing') return;
  from.connections.delete(connection.connectId);
  reportClosed(context, connection, reason);
}

/** The frontend does not need the connection any more: tells the agent, and drops DATA until its CLOSE_RSP. */
export function closeTowardsAgent(context: ServerContext, connection: Connection, reason: CloseReason): void {
  if (connection.kind === 'closing') return;
  reportClosed(context, connection, reason);
  connection.kind = 'closing';
  connection.closingAt = context.clock.now();
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
