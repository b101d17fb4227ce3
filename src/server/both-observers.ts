import type { ServerObserver } from '../core/observer.js';

export function bothObservers(first: ServerObserver, second: ServerObserver): ServerObserver {
  return {
    packet(segment, peer, packet) {
      first.packet(segment, peer, packet);
      second.packet(segment, peer, packet);
    },
    dialStarted(dial) {
      first.dialStarted(dial);
      second.dialStarted(dial);
    },
    dialEstablished(dial, connection, tookMs) {
      first.dialEstablished(dial, connection, tookMs);
      second.dialEstablished(dial, connection, tookMs);
    },
    dialFailed(dial, reason, code, text) {
      first.dialFailed(dial, reason, code, text);
      second.dialFailed(dial, reason, code, text);
    },
    unrecognizedDialResponse(agent, id) {
      first.unrecognizedDialResponse(agent, id);
      second.unrecognizedDialResponse(agent, id);
    },
    connectionClosed(facts, reason) {
      first.connectionClosed(facts, reason);
      second.connectionClosed(facts, reason);
    },
    connectionStale(agent, id, text) {
      first.connectionStale(agent, id, text);
      second.connectionStale(agent, id, text);
    },
    backendDraining(agent) {
      first.backendDraining(agent);
      second.backendDraining(agent);
    },
  };
}
