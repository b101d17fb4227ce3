import {
  type CloseResponsePacket,
  type DataPacket,
  type DialResponsePacket,
  type PacketHandlers,
  payloadPieces,
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
  WINDOW_UPDATE: ignore,
  UNKNOWN: ignore,
};

function handleDialResponse(context: ConnectContext, packet: DialResponsePacket): void {
  const { state, answersEarly } = context;
  if (state.kind !== 'dialing' || packet.dialId !== context.dialId) return;
  if (packet.error !== '') {
    writeText(context, answersEarly ? failureInTunnel(packet.error) : failureResponse(packet.error));
    return context.finish();
  }
  context.state = { kind: 'open', connectId: packet.connectId };
  if (!answersEarly) writeText(context, establishedResponse);
  for (const bytes of state.early) sendBytes(context, packet.connectId, bytes);
  context.early.clear();
  context.dialOver();
}

function handleData(context: ConnectContext, packet: DataPacket): void {
  if (!ownsConnection(context, packet.connectId)) return;
  for (const piece of payloadPieces(packet)) context.client.write(piece);
}

/** HTTP has no way to pass on the error of a CLOSE_RSP: the connection just ends. */
function handleCloseResponse(context: ConnectContext, packet: CloseResponsePacket): void {
  if (ownsConnection(context, packet.connectId)) context.finish();
}
