import {
  type CloseRequestPacket,
  closeResponse,
  type DataPacket,
  type DialClosePacket,
  type DialRequestPacket,
  dialFailure,
  noConnection,
  type PacketHandlers,
  payloadBytes,
  payloadPieces,
} from '../packet.js';
import type { Congestible } from '../port.js';
import type { AgentMachine } from './machine.js';

type Result = Congestible | undefined;
const ignore = (): Result => undefined;

export const agentHandlers: PacketHandlers<AgentMachine, Result> = {
  DIAL_REQ: handleDialRequest,
  DIAL_RSP: ignore,
  CLOSE_REQ: handleCloseRequest,
  CLOSE_RSP: ignore,
  DATA: handleData,
  DIAL_CLS: handleDialClose,
  DRAIN: ignore,
  UNKNOWN: ignore,
};

/** Only TCP: the agent is no way to the node's Unix sockets (R15). */
function handleDialRequest(machine: AgentMachine, packet: DialRequestPacket): Result {
  if (packet.protocol === 'tcp') {
    machine.startDial(packet.dialId, packet.address);
    return machine.debt.owe();
  }
  const text = `dial ${packet.protocol}: unknown network ${packet.protocol}`;
  return machine.answer(dialFailure(packet.dialId, text));
}

function handleData(machine: AgentMachine, packet: DataPacket): Result {
  if (packet.connectId === noConnection) return undefined;
  const endpoint = machine.endpoints.get(packet.connectId);
  if (endpoint?.kind !== 'open' || endpoint.port === undefined) {
    return machine.answer(closeResponse(packet.connectId, 'unrecognized connectID'));
  }
  endpoint.toEndpointBytes += payloadBytes(packet);
  for (const piece of payloadPieces(packet)) endpoint.port.write(piece);
  endpoint.guard.watch();
  return endpoint.port;
}

/** Every CLOSE_REQ is answered (R18). What was queued for the endpoint is still written. */
function handleCloseRequest(machine: AgentMachine, packet: CloseRequestPacket): Result {
  const endpoint = machine.endpoints.get(packet.connectId);
  if (endpoint?.kind !== 'open') {
    return machine.answer(closeResponse(packet.connectId, 'Unknown connectID'));
  }
  machine.closeEndpoint(endpoint, 'server');
  machine.finishEndpoint(endpoint);
  return machine.answer(closeResponse(packet.connectId));
}

function handleDialClose(machine: AgentMachine, packet: DialClosePacket): Result {
  if (machine.faithful.has('dial-cancel-ignored')) return undefined;
  for (const endpoint of machine.endpoints.values()) {
    if (endpoint.dialId === packet.dialId) machine.cancelDial(endpoint);
  }
  return undefined;
}
