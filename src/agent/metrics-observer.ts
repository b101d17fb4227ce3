import type { AgentObserver, Endpoint } from '../core/agent/state.js';
import type { Clock } from '../core/clock.js';
import type { AgentMetrics } from '../observe/agent-metrics.js';

/** Updates an agent's metrics from the reports of one of its machines, and passes all reports on. */
export function countFor(metrics: AgentMetrics, clock: Clock, next: AgentObserver): AgentObserver {
  return {
    packet(direction, packet) {
      // Directions as the server sees them, as Konnectivity counts.
      const segment = direction === 'from_server' ? 'to_agent' : 'from_agent';
      metrics.packet(segment, packet.kind === 'UNKNOWN' ? 'Unknown' : packet.kind);
      next.packet(direction, packet);
    },
    dialStarted: (endpoint) => next.dialStarted(endpoint),
    dialSucceeded(endpoint, tookMs) {
      metrics.dialDuration.observe(tookMs / 1000);
      metrics.own.dialEnded('connected', tookMs / 1000);
      metrics.openEndpointConnections.inc();
      next.dialSucceeded(endpoint, tookMs);
    },
    dialFailed(endpoint, text, reason) {
      metrics.endpointDialFailure(reason === 'timeout' ? 'timeout' : 'unknown');
      metrics.own.dialEnded(reason, (clock.now() - endpoint.startedAt) / 1000);
      next.dialFailed(endpoint, text, reason);
    },
    endpointClosed(endpoint: Endpoint, livedMs, reason) {
      metrics.openEndpointConnections.dec();
      metrics.own.connectionClosed(reason, endpoint);
      next.endpointClosed(endpoint, livedMs, reason);
    },
  };
}
