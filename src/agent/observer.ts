import type { AgentObserver, Endpoint } from '../core/agent/state.js';
import { packetEvent } from '../core/packet-event.js';
import type { AgentOptions } from './options.js';

/** Turns the reports of a machine into events of the journal. `serverId` is known only after the announcement. */
export function createAgentObserver(
  { emit, name, packetEvents = true }: Pick<AgentOptions, 'emit' | 'name' | 'packetEvents'>,
  serverId: () => string,
): AgentObserver {
  const node = `agent/${name}`;
  const peer = (): string => `server/${serverId()}`;
  const facts = ({ dialId, connectId, address }: Endpoint) => ({
    node,
    peer: peer(),
    address,
    dialId: dialId.toString(),
    connectId: connectId.toString(),
  });
  return {
    packet(direction, packet) {
      if (!packetEvents) return;
      const event = packetEvent(node, peer(), direction === 'from_server' ? 'in' : 'out', packet);
      if (event !== undefined) emit(event);
    },
    dialStarted: (endpoint) => emit({ kind: 'endpoint.dialing', ...facts(endpoint) }),
    dialSucceeded: (endpoint, durationMs) =>
      emit({ kind: 'endpoint.connected', ...facts(endpoint), durationMs }),
    dialFailed: (endpoint, error, reason) =>
      emit({ kind: 'endpoint.failed', ...facts(endpoint), error, reason }),
    endpointClosed: (endpoint, durationMs, reason) =>
      emit({ kind: 'endpoint.closed', ...facts(endpoint), durationMs, reason }),
  };
}
