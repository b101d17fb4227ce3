import {
  type CloseRequestPacket,
  closeResponse,
  type DataPacket,
  type DialClosePacket,
  type DialRequestPacket,
  dialFailure,
  noConnection,
  type PacketHandlers,
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
  } else {
    const text = `dial ${packet.protocol}: unknown network ${packet.protocol}`;
    machine.send(dialFailure(packet.dialId, text));
  }
  return undefined;
}

function handleData(machine: AgentMachine, packet: DataPacket): Result {
  if (packet.connectId === noConnection) return undefined;
  const endpoint = machine.endpoints.get(packet.connectId);
  if (endpoint?.kind !== 'open' || endpoint.port === undefined) {
    machine.send(closeResponse(packet.connectId, 'unrecognized connectID'));
    return undefined;
  }
  endpoint.port.write(packet.data);
  endpoint.guard.watch();
  return endpoint.port;
}

/** Every CLOSE_REQ is answered (R18). What was queued for the endpoint is still written. */
function handleCloseRequest(machine: AgentMachine, packet: CloseRequestPacket): Result {
  const endpoint = machine.endpoints.get(packet.connectId);
  if (endpoint?.kind !== 'open') {
    machine.send(closeResponse(packet.connectId, 'Unknown connectID'));
    return undefined;
  }
  machine.closeEndpoint(endpoint);
  endpoint.port?.finish();
  machine.send(closeResponse(packet.connectId));
  return undefined;
}

function handleDialClose(machine: AgentMachine, packet: DialClosePacket): Result {
  for (const endpoint of machine.endpoints.values()) {
    if (endpoint.dialId === packet.dialId) machine.cancelDial(endpoint);
  }
  return undefined;
}
