import { dialFailureReasons, type EndpointCloseReason, endpointCloseReasons } from '../core/agent/state.js';
import { countClosedConnections } from './closed-connections.js';
import type { MetricKit } from './metric-kit.js';

export interface AgentLevels {
  /** The connected servers, and the count that each announced. */
  readonly servers: readonly { readonly serverId: string; readonly announcedServers: number }[];
  /** Payload of the open connections, bytes. */
  readonly openPayload: EndpointPayload;
  readonly pendingDials: number;
  readonly draining: boolean;
}

export interface EndpointPayload {
  readonly toEndpointBytes: number;
  readonly fromEndpointBytes: number;
}

const dialOutcomes = ['connected', ...dialFailureReasons] as const;
export type EndpointDialOutcome = (typeof dialOutcomes)[number];

const attemptOutcomes = ['connected', 'duplicate', 'failed'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** Metrics of an agent that Konnectivity does not have (`konnsim_agent_…`). */
export interface AgentOwnMetrics {
  dialEnded(outcome: EndpointDialOutcome, seconds: number): void;
  connectionClosed(reason: EndpointCloseReason, payload: EndpointPayload): void;
  serverAttempt(outcome: AttemptOutcome): void;
  serverLost(): void;
  /** A server's stream was not read because an endpoint is full. */
  paused(): void;
}

const dialBuckets = [0.005, 0.025, 0.1, 0.5, 2.5, 5, 10, 30];

/** `levels` is called once per metric and scrape. Labels have fixed values, or the IDs of connected servers. */
export function createAgentOwnMetrics(kit: MetricKit, levels: () => AgentLevels): AgentOwnMetrics {
  const closed = countClosedConnections(kit, endpointCloseReasons, ['to_endpoint', 'from_endpoint']);
  showLevels(kit, levels, () => closed.total());
  const dials = 'How long dials of endpoints took, by outcome.';
  const dial = kit.timings('dial_outcome_duration_seconds', dials, 'outcome', dialBuckets);
  const pauses = 'How often a server was not read because an endpoint was full.';
  const paused = kit.counter('stream_pauses_total', pauses);
  return {
    dialEnded: (outcome, seconds) => dial(outcome).observe(seconds),
    connectionClosed: (reason, { toEndpointBytes, fromEndpointBytes }) =>
      closed.add(reason, [toEndpointBytes, fromEndpointBytes]),
    ...serverCounters(kit),
    paused: () => paused(),
  };
}

/** A reconnect is a connection in place of a lost one. */
function serverCounters(kit: MetricKit): Pick<AgentOwnMetrics, 'serverAttempt' | 'serverLost'> {
  const attempts = 'Attempts to connect to a server, by outcome.';
  const attempt = kit.tally('server_connects_total', attempts, 'outcome', attemptOutcomes);
  const loss = kit.counter('server_losses_total', 'Connections to servers that ended.');
  const again = kit.counter('server_reconnects_total', 'Connections to servers in place of lost ones.');
  let missing = 0;
  return {
    serverAttempt(outcome) {
      attempt(outcome);
      if (outcome !== 'connected' || missing === 0) return;
      missing -= 1;
      again();
    },
    serverLost() {
      missing += 1;
      loss();
    },
  };
}

function showLevels(kit: MetricKit, levels: () => AgentLevels, ended: () => readonly [number, number]): void {
  kit.scraped(
    'gauge',
    {
      name: 'announced_servers',
      help: 'The number of servers to look for, as each connected server announced it.',
      labels: ['server_id'],
    },
    () => levels().servers.map(({ serverId, announcedServers }) => [[serverId], announcedServers] as const),
  );
  kit.scraped(
    'counter',
    { name: 'bytes_total', help: 'Payload passed on, by direction.', labels: ['direction'] },
    () => {
      const [toEndpoint, fromEndpoint] = ended();
      const { toEndpointBytes, fromEndpointBytes } = levels().openPayload;
      return [
        [['to_endpoint'], toEndpoint + toEndpointBytes],
        [['from_endpoint'], fromEndpoint + fromEndpointBytes],
      ];
    },
  );
  kit.scraped('gauge', { name: 'pending_dials', help: 'Endpoints that have yet to accept.' }, () => [
    [[], levels().pendingDials],
  ]);
  kit.scraped('gauge', { name: 'draining', help: '1 when the agent has asked for no more dials.' }, () => [
    [[], Number(levels().draining)],
  ]);
}
