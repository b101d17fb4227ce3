import type { EventSink } from '../core/events.js';
import type { ConnectionFacts, DialFacts, Segment, ServerObserver } from '../core/observer.js';
import { packetEvent } from '../core/packet-event.js';

const directionOf: Record<Segment, 'in' | 'out'> = {
  from_client: 'in',
  from_agent: 'in',
  to_client: 'out',
  to_agent: 'out',
};

/** Turns the reports of a server machine into events of the journal. `node` is `server/<name>`. */
export function createEventObserver(node: string, emit: EventSink, packetEvents = true): ServerObserver {
  return {
    packet(segment, peer, packet) {
      if (!packetEvents) return;
      const event = packetEvent(node, peer, directionOf[segment], packet);
      if (event !== undefined) emit(event);
    },
    dialStarted: (dial) => emit({ kind: 'dial.started', ...dialFields(node, dial), text: dial.because }),
    dialEstablished: (dial, connectId, durationMs) =>
      emit({
        kind: 'dial.established',
        ...dialFields(node, dial),
        connectId: connectId.toString(),
        durationMs,
      }),
    dialFailed: (dial, reason, code, error) =>
      emit({
        kind: 'dial.failed',
        ...dialFields(node, dial),
        code,
        error,
        reason,
        text: reason,
        ...(reason === 'no_agent' ? { tried: dial.because } : {}),
      }),
    unrecognizedDialResponse(peer, dialId) {
      const reason = 'unrecognized_response';
      emit({ kind: 'dial.failed', node, peer, dialId: dialId.toString(), reason, text: reason });
    },
    connectionClosed: (facts, reason) =>
      emit({ kind: 'connection.closed', ...connectionFields(node, facts), reason, text: reason }),
    connectionStale: (peer, connectId, text) =>
      emit({
        kind: 'connection.stale',
        node,
        peer,
        connectId: connectId.toString(),
        code: 'STALE_CONNECTION',
        text,
      }),
    backendDraining: (peer) => emit({ kind: 'backend.draining', node, peer }),
  };
}

function dialFields(node: string, { agent, dialId, address }: DialFacts) {
  return { node, ...(agent === '' ? {} : { peer: agent }), dialId: dialId.toString(), address };
}

function connectionFields(node: string, { agent, dialId, connectId, address, livedMs }: ConnectionFacts) {
  return {
    node,
    peer: agent,
    dialId: dialId.toString(),
    connectId: connectId.toString(),
    address,
    durationMs: livedMs,
  };
}
