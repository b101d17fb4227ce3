import { type CloseReason, closeReasons, type DialFailureReason } from '../core/observer.js';
import type { AgentView, Payload } from '../core/server/agent-view.js';
import { countClosedConnections } from './closed-connections.js';
import type { MetricKit } from './metric-kit.js';

export interface ServerLevels {
  readonly agents: readonly AgentView[];
  /** The server count that agents get. */
  readonly announcedServers: number;
  readonly stalledFrontends: number;
  /** Payload of all connections, also of ended ones. */
  readonly payload: Payload;
}

/** The source of packets, as pauses are counted. `HTTP` means CONNECT clients. */
export type PausedSource = 'Proxy' | 'Connect' | 'HTTP';
/** The result of a dial: a connection, or the reason of its failure. */
export type DialOutcome = 'established' | Exclude<DialFailureReason, 'unrecognized_response'>;

/** Metrics of a proxy-server that Konnectivity does not have (`konnsim_server_…`). */
export interface ServerOwnMetrics {
  dialEnded(outcome: DialOutcome, seconds: number): void;
  connectionClosed(reason: CloseReason, bytes: Payload): void;
  agentConnected(): void;
  agentLeft(lost: boolean): void;
  /** A source was not read because the receiver of its packets is full. */
  paused(source: PausedSource): void;
}

const dialBuckets = [0.005, 0.025, 0.1, 0.5, 2.5, 5, 10, 20, 30];
const sources: readonly PausedSource[] = ['Proxy', 'Connect', 'HTTP'];

/** `levels` is called once per metric and scrape. Labels have fixed values, or the IDs of connected agents. */
export function createServerOwnMetrics(kit: MetricKit, levels: () => ServerLevels): ServerOwnMetrics {
  showAgents(kit, () => levels().agents);
  showServer(kit, levels);
  const dial = kit.timings(
    'dial_outcome_duration_seconds',
    'How long dials took, by outcome.',
    'outcome',
    dialBuckets,
  );
  const closed = countClosedConnections(kit, closeReasons, ['to_agent', 'from_agent']);
  const arrived = kit.counter('agent_connects_total', 'Streams that agents opened.');
  const left = kit.tally('agent_losses_total', 'Streams of agents that ended, by kind of end.', 'end', [
    'done',
    'lost',
  ]);
  const pauses = kit.tally(
    'stream_pauses_total',
    'How often a stream was not read because the receiver of its packets was full.',
    'source',
    sources,
  );
  return {
    dialEnded: (outcome, seconds) => dial(outcome).observe(seconds),
    connectionClosed: (reason, { toAgentBytes, fromAgentBytes }) =>
      closed.add(reason, [toAgentBytes, fromAgentBytes]),
    agentConnected: () => arrived(),
    agentLeft: (lost) => left(lost ? 'lost' : 'done'),
    paused: (source) => pauses(source),
  };
}

function showServer(kit: MetricKit, levels: () => ServerLevels): void {
  const one = (value: number) => [[[], value]] as const;
  kit.scraped(
    'gauge',
    { name: 'announced_servers', help: 'The number of servers that agents are told to look for.' },
    () => one(levels().announcedServers),
  );
  kit.scraped(
    'counter',
    {
      name: 'stalled_frontends_total',
      help: 'Frontends that were cut because they took nothing of their queue.',
    },
    () => one(levels().stalledFrontends),
  );
  kit.scraped(
    'counter',
    { name: 'bytes_total', help: 'Payload passed on, by direction.', labels: ['direction'] },
    () => byDirection(levels().payload),
  );
}

type Row = readonly [labelValues: readonly string[], value: number];

/** Two rows, with the direction as the first label. */
function byDirection({ toAgentBytes, fromAgentBytes }: Payload, ...more: readonly string[]): readonly Row[] {
  return [
    [['to_agent', ...more], toAgentBytes],
    [['from_agent', ...more], fromAgentBytes],
  ];
}

/** One series for each connected agent. Agents that are gone are not shown. */
function showAgents(kit: MetricKit, agents: () => readonly AgentView[]): void {
  const gauge = (name: string, help: string, read: (agent: AgentView) => number): void =>
    kit.scraped('gauge', { name: `agent_${name}`, help, labels: ['agent_id'] }, () =>
      agents().map((agent) => [[agent.agentId], read(agent)] as const),
    );
  gauge('streams', 'Open streams of a connected agent.', ({ streams }) => streams);
  gauge(
    'connections',
    'Established connections through a connected agent.',
    ({ connections }) => connections,
  );
  gauge(
    'pending_dials',
    'Dials that a connected agent has yet to answer.',
    ({ pendingDials }) => pendingDials,
  );
  gauge('draining', '1 when a connected agent asked for no more dials.', ({ draining }) => Number(draining));
  gauge(
    'silent_seconds',
    'Seconds since the last packet of a connected agent; data counts as of the reading that finds it.',
    ({ silentMs }) => silentMs / 1000,
  );
  kit.scraped(
    'counter',
    {
      name: 'agent_bytes_total',
      help: 'Payload passed on over the open streams of a connected agent, by direction.',
      labels: ['direction', 'agent_id'],
    },
    () => agents().flatMap((agent) => byDirection(agent, agent.agentId)),
  );
}
