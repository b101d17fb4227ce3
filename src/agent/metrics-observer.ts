import type { AgentObserver, Endpoint } from '../core/agent/machine.js';
import type { AgentMetrics } from '../observe/agent-metrics.js';

/** Feeds an agent's metrics from what one of its machines tells, and passes it all on. */
export function countFor(metrics: AgentMetrics, next: AgentObserver): AgentObserver {
  return {
    packet(direction, packet) {
      // The server's point of view, as Konnectivity counts.
      const segment = direction === 'from_server' ? 'to_agent' : 'from_agent';
      metrics.packet(segment, packet.kind === 'UNKNOWN' ? 'Unknown' : packet.kind);
      next.packet(direction, packet);
    },
    dialStarted: (endpoint) => next.dialStarted(endpoint),
    dialSucceeded(endpoint, tookMs) {
      metrics.dialDuration.observe(tookMs / 1000);
      metrics.openEndpointConnections.inc();
      next.dialSucceeded(endpoint, tookMs);
    },
    dialFailed(endpoint, text, timedOut) {
      metrics.endpointDialFailure(timedOut ? 'timeout' : 'unknown');
      next.dialFailed(endpoint, text, timedOut);
    },
    endpointClosed(endpoint: Endpoint, livedMs) {
      metrics.openEndpointConnections.dec();
      next.endpointClosed(endpoint, livedMs);
    },
  };
}
