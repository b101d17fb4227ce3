import { Credits } from '../credits.js';
import {
  type CloseResponsePacket,
  closeRequest,
  type DataPacket,
  type DialResponsePacket,
  type PacketHandlers,
  payloadBytes,
  payloadPieces,
  type WindowUpdatePacket,
} from '../packet.js';
import { establishedResponse, failureInTunnel, failureResponse } from './responses.js';
import { type ConnectContext, ownsConnection, sendBytes, writeText } from './state.js';

const ignore = (): void => undefined;

export const connectHandlers: PacketHandlers<ConnectContext, void> = {
  DIAL_REQ: ignore,
  DIAL_RSP: handleDialResponse,
  CLOSE_REQ: ignore,
  CLOSE_RSP: handleCloseResponse,
  DATA: handleData,
  DIAL_CLS: ({ finish }) => finish(),
  DRAIN: ignore,
  WINDOW_UPDATE: handleWindowUpdate,
  HELD: ignore,
  UNKNOWN: ignore,
};

function handleDialResponse(context: ConnectContext, packet: DialResponsePacket): void {
  const { state, answersEarly } = context;
  if (state.kind !== 'dialing' || packet.dialId !== context.dialId) return;
  if (packet.error !== '') {
    writeText(context, answersEarly ? failureInTunnel(packet.error) : failureResponse(packet.error));
    return context.finish();
  }
  const { connectId, initWindow } = packet;
  context.state = { kind: 'open', connectId };
  const { window, toServer: send } = context;
  if (window !== undefined && initWindow !== undefined) {
    window.answered();
    context.credits = new Credits({ connectId, peerWindow: initWindow, window, send });
  }
  if (!answersEarly) writeText(context, establishedResponse);
  for (const bytes of state.early) sendBytes(context, connectId, bytes);
  context.early.clear();
  context.dialOver();
}

function handleData(context: ConnectContext, packet: DataPacket): void {
  if (!ownsConnection(context, packet.connectId)) return;
  if (context.credits?.received(payloadBytes(packet)) === false) {
    context.finish();
    context.toServer(closeRequest(packet.connectId));
    return;
  }
  for (const piece of payloadPieces(packet)) context.client.write(piece);
}

function handleWindowUpdate(context: ConnectContext, { connectId, credit }: WindowUpdatePacket): void {
  if (ownsConnection(context, connectId)) context.credits?.grant(credit);
}

/** HTTP has no way to pass on the error of a CLOSE_RSP: the connection just ends. */
function handleCloseResponse(context: ConnectContext, packet: CloseResponsePacket): void {
  if (ownsConnection(context, packet.connectId)) context.finish();
}
