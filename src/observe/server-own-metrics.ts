import { type CloseReason, closeReasons, type DialFailureReason } from '../core/observer.js';
import type { AgentView, Payload } from '../core/server/agent-view.js';
import { countClosedConnections } from './closed-connections.js';
import type { MetricKit } from './metric-kit.js';

/** What a proxy-server is asked for when somebody reads. */
export interface ServerLevels {
  readonly agents: readonly AgentView[];
  /** The server count told to agents. */
  readonly announcedServers: number;
  readonly stalledFrontends: number;
  /** Over all connections, those that ended too. */
  readonly payload: Payload;
}

/** Where packets are read from, as pauses are counted; `HTTP` are CONNECT clients. */
export type PausedSource = 'Proxy' | 'Connect' | 'HTTP';

/** A dial's end: a connection, or the reason of its failure. */
export type DialOutcome = 'established' | Exclude<DialFailureReason, 'unrecognized_response'>;

/** What a proxy-server counts beyond Konnectivity, under names of our own (`konnsim_server_…`). */
export interface ServerOwnMetrics {
  dialEnded(outcome: DialOutcome, seconds: number): void;
  connectionClosed(reason: CloseReason, bytes: Payload): void;
  agentConnected(): void;
  agentLeft(lost: boolean): void;
  /** Reading a source stopped because what takes its packets is full. */
  paused(source: PausedSource): void;
}

const dialBuckets = [0.005, 0.025, 0.1, 0.5, 2.5, 5, 10, 20, 30];
const sources: readonly PausedSource[] = ['Proxy', 'Connect', 'HTTP'];

/** Makes them. `levels` is called once for each metric at each reading; labels are closed sets and live agents' IDs. */
export function createServerOwnMetrics(kit: MetricKit, levels: () => ServerLevels): ServerOwnMetrics {
  showAgents(kit, () => levels().agents);
  showServer(kit, levels);
  const dial = kit.timings(
    'dial_outcome_duration_seconds',
    'How long dials took, by what became of them.',
    'outcome',
    dialBuckets,
  );
  const closed = countClosedConnections(kit, closeReasons, ['to_agent', 'from_agent']);
  const arrived = kit.counter('agent_connects_total', 'Streams that agents opened.');
  const left = kit.tally('agent_losses_total', 'Streams of agents that ended, by how.', 'end', [
    'done',
    'lost',
  ]);
  const pauses = kit.tally(
    'stream_pauses_total',
    'Times that reading a stream stopped because what takes its packets was full.',
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
  kit.asked(
    'gauge',
    { name: 'announced_servers', help: 'The number of servers that agents are told to look for.' },
    () => one(levels().announcedServers),
  );
  kit.asked(
    'counter',
    {
      name: 'stalled_frontends_total',
      help: 'Frontends cut because they took nothing of what waited for them.',
    },
    () => one(levels().stalledFrontends),
  );
  kit.asked(
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

/** One series for each agent that is connected; those that are gone are not shown any more. */
function showAgents(kit: MetricKit, agents: () => readonly AgentView[]): void {
  const gauge = (name: string, help: string, read: (agent: AgentView) => number): void =>
    kit.asked('gauge', { name: `agent_${name}`, help, labels: ['agent_id'] }, () =>
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
  kit.asked(
    'counter',
    {
      name: 'agent_bytes_total',
      help: 'Payload passed on over the open streams of a connected agent, by direction.',
      labels: ['direction', 'agent_id'],
    },
    () => agents().flatMap((agent) => byDirection(agent, agent.agentId)),
  );
}
