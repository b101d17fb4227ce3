import type { Clock } from '../core/clock.js';
import type { ServerObserver } from '../core/observer.js';
import type { ServerState } from '../core/server/machine.js';
import type { ServerMetrics } from '../observe/server-metrics.js';

export interface MetricsObserverOptions {
  readonly metrics: ServerMetrics;
  readonly clock: Clock;
  /** Returns the levels. Called after each change. */
  readonly levels: () => Pick<ServerState, 'pendingDials' | 'established'>;
}

export function createMetricsObserver({ metrics, clock, levels }: MetricsObserverOptions): ServerObserver {
  const showLevels = (): void => {
    const { pendingDials, established } = levels();
    metrics.pendingDials.set(pendingDials);
    metrics.established.set(established);
  };
  return {
    packet: (segment, _peer, { kind }) => metrics.packet(segment, kind === 'UNKNOWN' ? 'Unknown' : kind),
    dialStarted: showLevels,
    dialEstablished(_dial, _connectId, tookMs) {
      metrics.dialDuration.observe(tookMs / 1000);
      metrics.own.dialEnded('established', tookMs / 1000);
      showLevels();
    },
    dialFailed({ startedAt }, reason) {
      metrics.dialFailure(reason);
      // An answer to an unknown dial is not the end of one.
      if (reason !== 'unrecognized_response') {
        const now = clock.now();
        metrics.own.dialEnded(reason, (now - (startedAt ?? now)) / 1000);
      }
      showLevels();
    },
    unrecognizedDialResponse: () => metrics.dialFailure('unrecognized_response'),
    connectionClosed(facts, reason) {
      metrics.connectionDuration.observe(facts.livedMs / 1000);
      metrics.own.connectionClosed(reason, facts);
      showLevels();
    },
    connectionStale: () => undefined,
    backendDraining: () => undefined,
  };
}

/**
 * Updates the number of agents that each strategy can choose from. The deprecated metric without a label has the number
 * of the strategy that changed last, in the order of `--proxy-strategies`, as Konnectivity's has.
 */
export function createReadyBackends(metrics: ServerMetrics): (state: ServerState) => void {
  const shown = new Map<string, number>();
  metrics.readyBackendConnections.set(0);
  return ({ readyBackends }) => {
    for (const { strategy, size } of readyBackends) {
      metrics.readyBackends(strategy).set(size);
      if (size !== (shown.get(strategy) ?? 0)) metrics.readyBackendConnections.set(size);
      shown.set(strategy, size);
    }
  };
}
