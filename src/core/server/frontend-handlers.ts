import { backendDialTimeoutText, dialIdInUseText, noAgentText } from '../dial-texts.js';
import type { CloseReason } from '../observer.js';
import {
  type CloseRequestPacket,
  closeResponse,
  type DataPacket,
  type DialClosePacket,
  type DialRequestPacket,
  dialClose,
  dialFailure,
  noConnection,
  type PacketHandlers,
  payloadBytes,
  type WindowUpdatePacket,
  withoutWindow,
} from '../packet.js';
import type { Congestible } from '../port.js';
import { quietFrontend, stopFrontend } from './frontend.js';
import {
  closeTowardsAgent,
  type Frontend,
  failDial,
  type PendingDial,
  type ServerContext,
  sendToBackend,
  sendToFrontend,
} from './state.js';

/** Handlers return the queue that may be too full: the agent's, or the frontend's own when it reads no answers. */
export interface FromFrontend {
  readonly context: ServerContext;
  readonly frontend: Frontend;
}

type Result = Congestible | undefined;
const ignore = (): Result => undefined;

export const frontendHandlers: PacketHandlers<FromFrontend, Result> = {
  DIAL_REQ: handleDialRequest,
  DIAL_RSP: ignore,
  CLOSE_REQ: handleCloseRequest,
  CLOSE_RSP: ignore,
  DATA: handleData,
  DIAL_CLS: handleDialClose,
  DRAIN: ignore,
  WINDOW_UPDATE: handleWindowUpdate,
  HELD: ignore,
  UNKNOWN: ignore,
};

function handleDialRequest({ context, frontend }: FromFrontend, packet: DialRequestPacket): Result {
  const choice = context.backends.choose(packet.address);
  const facts = { dialId: packet.dialId, frontend: frontend.name, address: packet.address };
  if (choice === undefined) {
    const because = context.backends.whyNone(packet.address);
    context.observer.dialFailed({ ...facts, agent: '', because }, 'no_agent', 'NO_AGENT', noAgentText);
    stopFrontend(context, frontend);
    sendToFrontend(context, frontend, dialFailure(packet.dialId, noAgentText));
    return frontend.port;
  }
  const { backend, because } = choice;
  if (backend.dials.has(packet.dialId)) {
    const text = dialIdInUseText;
    const refused = { ...facts, agent: backend.name, because };
    context.observer.dialFailed(refused, 'error_response', 'PROTOCOL_VIOLATION', text);
    sendToFrontend(context, frontend, dialFailure(packet.dialId, text));
    return frontend.port;
  }
  frontend.backend = backend;
  startDial(context, { ...facts, agent: backend.name, because, from: frontend, to: backend });
  sendToBackend(context, backend, frontend.credits && backend.credits ? packet : withoutWindow(packet));
  return backend.port;
}

function startDial(context: ServerContext, facts: Omit<PendingDial, 'startedAt' | 'timer'>): void {
  const dial: PendingDial = { ...facts, startedAt: context.clock.now(), timer: undefined };
  const { backendDialTimeoutMs } = context.limits;
  if (backendDialTimeoutMs > 0) {
    dial.timer = context.clock.after(backendDialTimeoutMs, () => handleDialTimeout(context, dial));
  }
  facts.to.dials.set(dial.dialId, dial);
  facts.from.dials.add(dial);
  context.counts.pendingDials += 1;
  context.observer.dialStarted(dial);
}

function handleDialTimeout(context: ServerContext, dial: PendingDial): void {
  const text = backendDialTimeoutText;
  failDial(context, dial, { reason: 'backend_dial_timeout', code: 'DIAL_TIMEOUT', text });
  sendToBackend(context, dial.to, dialClose(dial.dialId));
  sendToFrontend(context, dial.from, dialFailure(dial.dialId, text));
}

function handleData({ context, frontend }: FromFrontend, packet: DataPacket): Result {
  const { backend } = frontend;
  if (backend === undefined) {
    stopFrontend(context, frontend);
    sendToFrontend(context, frontend, closeResponse(packet.connectId, 'backend not initialized'));
    return frontend.port;
  }
  if (packet.connectId === noConnection) return undefined;
  if (frontend.claimed === undefined) frontend.claimed = packet.connectId;
  if (frontend.claimed !== packet.connectId) return handleMismatch(context, frontend, packet);
  const connection = frontend.connections.get(packet.connectId);
  if (connection === undefined) return handleForeign(context, frontend, packet);
  const bytes = payloadBytes(packet);
  if (bytes === 0 && !context.faithful.has('empty-data-forwarded')) return undefined;
  connection.toAgentBytes += bytes;
  sendToBackend(context, connection.dial.to, packet);
  return connection.dial.to.port;
}

function handleWindowUpdate({ context, frontend }: FromFrontend, packet: WindowUpdatePacket): Result {
  const connection = frontend.connections.get(packet.connectId);
  if (connection?.credited !== true) return undefined;
  sendToBackend(context, connection.dial.to, packet);
  return connection.dial.to.port;
}

/** DATA for a connection that the frontend did not dial. */
function handleForeign(context: ServerContext, frontend: Frontend, packet: DataPacket): Result {
  const { backend } = frontend;
  if (backend !== undefined && context.faithful.has('any-connection-id')) {
    sendToBackend(context, backend, packet);
    return backend.port;
  }
  sendToFrontend(context, frontend, closeResponse(packet.connectId, 'unrecognized connectID'));
  return frontend.port;
}

/** One connection per Proxy stream: a second ID ends both (R8). Only connections of this stream are touched. */
function handleMismatch(context: ServerContext, frontend: Frontend, packet: DataPacket): Result {
  const first = frontend.claimed ?? noConnection;
  stopFrontend(context, frontend);
  for (const id of [first, packet.connectId]) {
    const connection = frontend.connections.get(id);
    if (connection !== undefined) closeTowardsAgent(context, connection, 'mismatch');
    sendToFrontend(context, frontend, closeResponse(id, 'mismatched connection IDs'));
  }
  return frontend.port;
}

function handleCloseRequest({ context, frontend }: FromFrontend, packet: CloseRequestPacket): Result {
  if (frontend.backend === undefined) {
    sendToFrontend(context, frontend, closeResponse(packet.connectId, 'backend uninitialized'));
    return frontend.port;
  }
  stopFrontend(context, frontend);
  const own = frontend.connections.get(packet.connectId)?.dial.to;
  const backend = context.faithful.has('any-connection-id') ? frontend.backend : own;
  if (backend === undefined) {
    sendToFrontend(context, frontend, closeResponse(packet.connectId, 'Unknown connectID'));
  } else {
    sendToBackend(context, backend, packet);
  }
  return undefined;
}

function handleDialClose({ context, frontend }: FromFrontend, packet: DialClosePacket): Result {
  for (const dial of frontend.dials) {
    if (dial.dialId === packet.dialId)
      abandonDial(context, dial, !context.faithful.has('dial-cancel-ignored'));
  }
  if (context.faithful.has('dial-cancel-race-leak')) return undefined;
  // The DIAL_CLS and the answer may have crossed. Then the connection is open already, and is closed (R7).
  for (const connection of frontend.connections.values()) {
    if (connection.dial.dialId === packet.dialId) closeTowardsAgent(context, connection, 'frontend');
  }
  return undefined;
}

function abandonDial(context: ServerContext, dial: PendingDial, tellAgent = true): void {
  const text = 'the frontend gave the dial up';
  failDial(context, dial, { reason: 'frontend_close', code: 'DIAL_CANCELLED', text });
  if (tellAgent) sendToBackend(context, dial.to, dialClose(dial.dialId));
}

/** The frontend stream ended: cancels its dials, and closes its connections at their agents (R10). */
export function releaseFrontend(context: ServerContext, frontend: Frontend, reason: CloseReason): void {
  quietFrontend(frontend);
  for (const dial of [...frontend.dials]) abandonDial(context, dial);
  for (const connection of [...frontend.connections.values()]) {
    closeTowardsAgent(context, connection, reason);
  }
}
