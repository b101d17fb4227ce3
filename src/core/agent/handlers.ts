import { windowExceededText } from '../credits.js';
import {
  type CloseRequestPacket,
  closeResponse,
  type DataPacket,
  type DialClosePacket,
  type DialRequestPacket,
  dialFailure,
  type HeldPacket,
  noConnection,
  type PacketHandlers,
  payloadBytes,
  payloadPieces,
  unrecognizedText,
  type WindowUpdatePacket,
} from '../packet.js';
import type { Congestible } from '../port.js';
import { startDial } from './dial.js';
import {
  type AgentContext,
  answerServer,
  closeEndpoint,
  dropEndpoint,
  type Endpoint,
  finishEndpoint,
} from './state.js';

type Result = Congestible | undefined;
const ignore = (): Result => undefined;

/** One handler for each packet of a server. Handlers return the queue that is now too full to take more. */
export const agentHandlers: PacketHandlers<AgentContext, Result> = {
  DIAL_REQ: handleDialRequest,
  DIAL_RSP: ignore,
  CLOSE_REQ: handleCloseRequest,
  CLOSE_RSP: ignore,
  DATA: handleData,
  DIAL_CLS: handleDialClose,
  DRAIN: ignore,
  WINDOW_UPDATE: handleWindowUpdate,
  HELD: handleHeld,
  UNKNOWN: ignore,
};

/** Only TCP: the agent does not open the node's Unix sockets (R15). */
function handleDialRequest(context: AgentContext, packet: DialRequestPacket): Result {
  if (packet.protocol === 'tcp') {
    startDial(context, packet);
    return context.unreadAnswers.add();
  }
  const text = `dial ${packet.protocol}: unknown network ${packet.protocol}`;
  return answerServer(context, dialFailure(packet.dialId, text));
}

function handleData(context: AgentContext, packet: DataPacket): Result {
  if (packet.connectId === noConnection) return undefined;
  const endpoint = context.endpoints.get(packet.connectId);
  if (endpoint?.kind !== 'open' || endpoint.port === undefined) {
    return answerServer(context, closeResponse(packet.connectId, unrecognizedText));
  }
  const { credits } = endpoint;
  const bytes = payloadBytes(packet);
  if (credits?.received(bytes) === false) {
    dropEndpoint(context, endpoint, { reason: 'window_exceeded', text: windowExceededText });
    return context.unreadAnswers.add();
  }
  endpoint.toEndpointBytes += bytes;
  for (const piece of payloadPieces(packet)) endpoint.port.write(piece);
  endpoint.guard.watch();
  return credits === undefined ? endpoint.port : undefined;
}

function handleWindowUpdate({ endpoints }: AgentContext, { connectId, credit }: WindowUpdatePacket): Result {
  endpoints.get(connectId)?.credits?.grant(credit);
  return undefined;
}

/** What the agent does not hold, it has dropped: it knew each connection before the server did (R32). */
function handleHeld(context: AgentContext, { connectIds }: HeldPacket): Result {
  const { rounds, endpoints } = context;
  if (rounds === undefined) return undefined;
  const dropped = connectIds.filter((id) => id !== noConnection && !endpoints.has(id));
  let full: Result;
  for (const id of dropped) full = answerServer(context, closeResponse(id, unrecognizedText));
  if (dropped.length > 0) rounds.hurry();
  return full;
}

/** Every CLOSE_REQ is answered (R18). Queued bytes are still written to the endpoint. */
function handleCloseRequest(context: AgentContext, packet: CloseRequestPacket): Result {
  const endpoint = context.endpoints.get(packet.connectId);
  if (endpoint?.kind !== 'open') {
    return answerServer(context, closeResponse(packet.connectId, 'Unknown connectID'));
  }
  closeEndpoint(context, endpoint, 'server');
  finishEndpoint(context, endpoint);
  return answerServer(context, closeResponse(packet.connectId));
}

function handleDialClose(context: AgentContext, packet: DialClosePacket): Result {
  if (context.faithful.has('dial-cancel-ignored')) return undefined;
  for (const endpoint of context.endpoints.values()) {
    if (endpoint.dialId === packet.dialId) cancelDial(context, endpoint);
  }
  return undefined;
}

/** The frontend does not wait for this dial any more. */
function cancelDial(context: AgentContext, endpoint: Endpoint): void {
  const dialing = endpoint.kind === 'dialing';
  closeEndpoint(context, endpoint, 'dial_cancelled');
  if (dialing) endpoint.port?.destroy();
  else endpoint.port?.finish();
  if (dialing) context.observer.dialFailed(endpoint, 'the dial was given up', 'cancelled');
}
