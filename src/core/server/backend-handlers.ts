import { agentLostText } from '../dial-texts.js';
import {
  type CloseResponsePacket,
  type ConnectId,
  closeRequest,
  closeResponse,
  type DataPacket,
  type DialClosePacket,
  type DialResponsePacket,
  dialFailure,
  type HeldPacket,
  noConnection,
  type PacketHandlers,
  payloadBytes,
  unrecognizedText,
  type WindowUpdatePacket,
  withoutWindow,
} from '../packet.js';
import type { Congestible } from '../port.js';
import { stopFrontend } from './frontend.js';
import { onlyAgentText, onlyServerText } from './held.js';
import {
  type Backend,
  type Connection,
  failDial,
  forgetConnection,
  forgetDial,
  type PendingDial,
  reportClosed,
  type ServerContext,
  sendToBackend,
  sendToFrontend,
} from './state.js';

/** A packet of an agent, and its stream. Handlers return the queue that is now too full to take more. */
export interface FromBackend {
  readonly context: ServerContext;
  readonly backend: Backend;
}

type Result = Congestible | undefined;
const ignore = (): Result => undefined;

export const backendHandlers: PacketHandlers<FromBackend, Result> = {
  DIAL_REQ: ignore,
  DIAL_RSP: handleDialResponse,
  CLOSE_REQ: ignore,
  CLOSE_RSP: handleCloseResponse,
  DATA: handleData,
  DIAL_CLS: handleDialClose,
  DRAIN: handleDrain,
  WINDOW_UPDATE: handleWindowUpdate,
  HELD: handleHeld,
  UNKNOWN: ignore,
};

function handleDialResponse({ context, backend }: FromBackend, packet: DialResponsePacket): Result {
  const dial = backend.dials.get(packet.dialId);
  if (dial === undefined) {
    context.observer.unrecognizedDialResponse(backend.name, packet.dialId);
    return packet.connectId === noConnection ? undefined : closeStray(context, backend, packet.connectId);
  }
  if (packet.error !== '') {
    failDial(context, dial, { reason: 'error_response', code: 'DIAL_FAILED', text: packet.error });
    sendToFrontend(context, dial.from, packet);
  } else if (packet.connectId === noConnection) {
    const text = 'the agent answered the dial without a connection ID';
    failDial(context, dial, { reason: 'error_response', code: 'PROTOCOL_VIOLATION', text });
    sendToFrontend(context, dial.from, dialFailure(packet.dialId, text));
  } else {
    establish(context, dial, packet);
  }
  return undefined;
}

/** The agent has a connection that the server does not know: it is closed. */
function closeStray(context: ServerContext, backend: Backend, id: ConnectId): Result {
  sendToBackend(context, backend, closeRequest(id));
  return backend.unreadAnswers.add();
}

/** Two agents may use the same ID on one stream, which cannot tell them apart (R12). The later one is closed. */
function refuseTwin(context: ServerContext, dial: PendingDial, id: ConnectId): void {
  const text = 'connection ID is already in use on this stream';
  failDial(context, dial, { reason: 'error_response', code: 'PROTOCOL_VIOLATION', text });
  sendToBackend(context, dial.to, closeRequest(id));
  sendToFrontend(context, dial.from, dialFailure(dial.dialId, text));
}

function establish(context: ServerContext, dial: PendingDial, packet: DialResponsePacket): void {
  const { connectId } = packet;
  makeRoom(context, dial.to.connections.get(connectId));
  if (dial.from.connections.has(connectId)) return refuseTwin(context, dial, connectId);
  forgetDial(context, dial);
  const now = context.clock.now();
  const agreed = dial.to.credits && dial.from.credits;
  const credited = agreed && packet.initWindow !== undefined;
  const connection: Connection = {
    connectId,
    dial,
    establishedAt: now,
    toAgentBytes: 0,
    fromAgentBytes: 0,
    bytesAtRound: -1,
    closingAt: 0,
    kind: 'established',
    credited,
  };
  dial.to.connections.set(connectId, connection);
  dial.from.connections.set(connectId, connection);
  context.counts.established += 1;
  dial.to.rounds?.watch();
  context.observer.dialEstablished(dial, connectId, now - dial.startedAt);
  // Its own window bounds it. If it counted, it would stop the agents of others without being stopped itself.
  if (credited) dial.from.port.leaveBacklog?.();
  sendToFrontend(context, dial.from, agreed ? packet : withoutWindow(packet));
}

function makeRoom(context: ServerContext, holder: Connection | undefined): void {
  if (context.faithful.has('key-by-agent-id')) forgetSilently(context, holder);
  else dropReused(context, holder);
}

/** Overwrites as Konnectivity's table does: both ends keep their connection; later packets go to the wrong one. */
function forgetSilently(context: ServerContext, holder: Connection | undefined): void {
  if (holder?.kind !== 'established') return;
  reportClosed(context, holder, 'reused_id');
  holder.kind = 'closing';
}

/** The agent uses an ID again, so that the earlier connection has ended for it, with or without its CLOSE_RSP. */
function dropReused(context: ServerContext, reused: Connection | undefined): void {
  if (reused === undefined) return;
  const told = reused.kind === 'established';
  const { from } = reused.dial;
  forgetConnection(context, reused, 'reused_id');
  if (!told) return;
  stopFrontend(context, from);
  sendToFrontend(context, from, closeResponse(reused.connectId, 'the agent gave the connection ID away'));
}

function handleDialClose({ context, backend }: FromBackend, packet: DialClosePacket): Result {
  const dial = backend.dials.get(packet.dialId);
  if (dial === undefined) return undefined;
  failDial(context, dial, { reason: 'backend_close', code: 'DIAL_FAILED', text: 'dial closed' });
  sendToFrontend(context, dial.from, packet);
  return undefined;
}

function handleData({ context, backend }: FromBackend, packet: DataPacket): Result {
  if (packet.connectId === noConnection) return undefined;
  const bytes = payloadBytes(packet);
  if (bytes === 0 && !context.faithful.has('empty-data-forwarded')) return undefined;
  const connection = backend.connections.get(packet.connectId);
  if (connection === undefined) {
    backend.rounds?.hurry();
    return closeStray(context, backend, packet.connectId);
  }
  if (connection.kind === 'closing') return undefined;
  connection.fromAgentBytes += bytes;
  const { from } = connection.dial;
  sendToFrontend(context, from, packet);
  from.guard.watch();
  const { together } = context;
  // A connection with credits fills its frontend's queue only when an end breaks the rules. It is not in the bound of all.
  const crowded = !connection.credited && !from.port.congested && together?.congested === true;
  return crowded ? together : from.port;
}

function handleWindowUpdate({ context, backend }: FromBackend, packet: WindowUpdatePacket): Result {
  const connection = backend.connections.get(packet.connectId);
  if (connection?.credited !== true || connection.kind === 'closing') return undefined;
  sendToFrontend(context, connection.dial.from, packet);
  return connection.dial.from.port;
}

function handleCloseResponse({ context, backend }: FromBackend, packet: CloseResponsePacket): Result {
  const connection = backend.connections.get(packet.connectId);
  if (connection === undefined) return undefined;
  const closing = connection.kind === 'closing';
  const { from } = connection.dial;
  if (!closing && backend.rounds !== undefined && packet.error === unrecognizedText) {
    context.observer.connectionStale(backend.name, packet.connectId, onlyServerText);
  }
  forgetConnection(context, connection, from.stopped ? 'frontend' : 'agent');
  if (!closing) {
    stopFrontend(context, from);
    sendToFrontend(context, from, packet);
  }
  return undefined;
}

/**
 * What the server does not hold, it has dropped, or never got to know: the DIAL_RSP would have come before (R32). One
 * that is closing is told to the agent by its own round (R33).
 */
function handleHeld({ context, backend }: FromBackend, { connectIds }: HeldPacket): Result {
  if (backend.rounds === undefined) return undefined;
  const stale = connectIds.filter((id) => id !== noConnection && !backend.connections.has(id));
  let full: Result;
  for (const id of stale) {
    context.observer.connectionStale(backend.name, id, onlyAgentText);
    full = closeStray(context, backend, id);
  }
  if (stale.length > 0) backend.rounds.hurry();
  return full;
}

function handleDrain({ context, backend }: FromBackend): Result {
  if (!backend.draining && !context.faithful.has('drain-ignored')) {
    backend.draining = true;
    context.observer.backendDraining(backend.name);
  }
  return undefined;
}

/** The agent stream ended: tells every frontend with a dial or connection on it at once, before a timeout (R11). */
export function releaseBackend(context: ServerContext, backend: Backend): void {
  context.backends.remove(backend);
  backend.rounds?.cancel();
  for (const dial of [...backend.dials.values()]) {
    if (dial.from.protocol === 'grpc' && context.faithful.has('pending-dials-lost-with-agent')) continue;
    failDial(context, dial, { reason: 'backend_close', code: 'TUNNEL_CLOSED', text: agentLostText });
    sendToFrontend(context, dial.from, dialFailure(dial.dialId, agentLostText));
  }
  for (const connection of connectionsEndingWith(context, backend)) {
    const { from } = connection.dial;
    const told = connection.kind === 'established';
    forgetConnection(context, connection, 'agent_lost');
    if (!told) continue;
    stopFrontend(context, from);
    const reason = context.faithful.has('close-without-reason') ? '' : agentLostText;
    sendToFrontend(context, from, closeResponse(connection.connectId, reason));
  }
}

function connectionsEndingWith(
  { faithful, backends }: ServerContext,
  backend: Backend,
): readonly Connection[] {
  const held = [...backend.connections.values()].filter(({ dial }) => dial.to === backend);
  if (!faithful.has('teardown-by-agent-id')) return held;
  const twins = backends.all().filter(({ agentId }) => agentId === backend.agentId);
  return [...new Set([...held, ...twins.flatMap(({ connections }) => [...connections.values()])])];
}
