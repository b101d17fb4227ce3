import { Credits, windowExceededText } from '../credits.js';
import { codeOfDialText } from '../dial-texts.js';
import {
  type CloseResponsePacket,
  closeRequest,
  type DataPacket,
  type DialClosePacket,
  type DialResponsePacket,
  noConnection,
  type PacketHandlers,
  payloadBytes,
  payloadPieces,
  type WindowUpdatePacket,
} from '../packet.js';
import type { Congestible } from '../port.js';
import {
  abandonConnection,
  connectIdOf,
  endConnection,
  failDial,
  sendToServer,
  type TunnelContext,
} from './state.js';

type Result = Congestible | undefined;
const ignore = (): Result => undefined;

/** One handler for each packet of the server. Handlers return the queue that is now too full to take more. */
export const tunnelHandlers: PacketHandlers<TunnelContext, Result> = {
  DIAL_REQ: ignore,
  DIAL_RSP: handleDialResponse,
  CLOSE_REQ: ignore,
  CLOSE_RSP: handleCloseResponse,
  DATA: handleData,
  DIAL_CLS: handleDialClose,
  DRAIN: ignore,
  WINDOW_UPDATE: handleWindowUpdate,
  HELD: ignore,
  UNKNOWN: ignore,
};

function handleDialResponse(context: TunnelContext, packet: DialResponsePacket): Result {
  const { state } = context;
  if (state.kind !== 'dialing' || packet.dialId !== context.dialId) return undefined;
  if (packet.error !== '') {
    failDial(context, codeOfDialText(packet.error), packet.error);
  } else if (packet.connectId === noConnection) {
    failDial(context, 'PROTOCOL_VIOLATION', 'DIAL_RSP without a connection ID');
  } else {
    state.timer.cancel();
    context.state = { kind: 'open', connectId: packet.connectId };
    if (context.creditsAgreed) context.credits = creditsOf(context, packet);
    context.user.established();
  }
  return undefined;
}

/** An agent without flow control does not tell its window. */
function creditsOf(
  context: TunnelContext,
  { connectId, initWindow }: DialResponsePacket,
): Credits | undefined {
  const { window } = context;
  if (initWindow === undefined || window === undefined) return undefined;
  window.answered();
  return new Credits({
    connectId,
    peerWindow: initWindow,
    window,
    send: (packet) => {
      sendToServer(context, packet);
      return context.server;
    },
  });
}

function handleDialClose(context: TunnelContext, packet: DialClosePacket): Result {
  if (packet.dialId === context.dialId) failDial(context, 'DIAL_FAILED', 'dial closed');
  return undefined;
}

function handleData(context: TunnelContext, packet: DataPacket): Result {
  if (packet.connectId === noConnection || payloadBytes(packet) === 0) return undefined;
  const known = connectIdOf(context) === packet.connectId;
  if (known && context.state.kind === 'open') {
    return takeData(context, packet);
  }
  if (known) return undefined;
  sendToServer(context, closeRequest(packet.connectId));
  return context.unreadAnswers.add();
}

function takeData(context: TunnelContext, packet: DataPacket): Result {
  const { credits } = context;
  if (credits?.received(payloadBytes(packet)) === false) {
    abandonConnection(context, windowExceededText);
    return undefined;
  }
  for (const piece of payloadPieces(packet)) context.reader = context.user.data(piece);
  context.guard.watch();
  return credits === undefined ? context.reader : undefined;
}

function handleWindowUpdate(context: TunnelContext, { connectId, credit }: WindowUpdatePacket): Result {
  if (connectIdOf(context) === connectId) context.credits?.grant(credit);
  return undefined;
}

function handleCloseResponse(context: TunnelContext, packet: CloseResponsePacket): Result {
  if (connectIdOf(context) !== packet.connectId) return undefined;
  endConnection(context, context.state.kind === 'closing' ? '' : packet.error);
  return undefined;
}
