import type { ServerObserver } from '../core/observer.js';
import type { ServerState } from '../core/server/machine.js';
import type { ServerMetrics } from '../observe/server-metrics.js';

/** Feeds a server's metrics from what its machine tells. `state` is asked for the levels after each change. */
export function createMetricsObserver(metrics: ServerMetrics, state: () => ServerState): ServerObserver {
  const showLevels = (): void => {
    const { pendingDials, established } = state();
    metrics.pendingDials.set(pendingDials);
    metrics.established.set(established);
  };
  return {
    packet: (segment, _peer, { kind }) => metrics.packet(segment, kind === 'UNKNOWN' ? 'Unknown' : kind),
    dialStarted: showLevels,
    dialEstablished(_dial, _connectId, tookMs) {
      metrics.dialDuration.observe(tookMs / 1000);
      showLevels();
    },
    dialFailed(_dial, reason) {
      metrics.dialFailure(reason);
      showLevels();
    },
    unrecognizedDialResponse: () => metrics.dialFailure('unrecognized_response'),
    connectionClosed({ livedMs }) {
      metrics.connectionDuration.observe(livedMs / 1000);
      showLevels();
    },
    backendDraining: () => undefined,
  };
}

/** The agents that each strategy can choose from; the deprecated metric without label shows the first strategy's. */
export function showReadyBackends(metrics: ServerMetrics, { readyBackends }: ServerState): void {
  for (const { strategy, size } of readyBackends) metrics.readyBackends(strategy).set(size);
  metrics.readyBackendConnections.set(readyBackends[0]?.size ?? 0);
}
