import type { Segment } from '../core/observer.js';
import { type AgentLevels, type AgentOwnMetrics, createAgentOwnMetrics } from './agent-own-metrics.js';
import { type Level, MetricKit, type MetricsText, streamHelp, type Timing } from './metric-kit.js';
import { showProcess } from './process-metrics.js';

/** The metrics of an agent. All but `own` have Konnectivity's names (`konnectivity_network_proxy_agent_…`). */
export interface AgentMetrics extends MetricsText {
  readonly own: AgentOwnMetrics;
  /** A packet was received from a server, or is about to be sent to one. */
  packet(segment: AgentSegment, packetType: string): void;
  /** A stream failed, without an orderly end. `code` is a gRPC code name; `packetType` is `Unknown` for receiving. */
  streamError(segment: AgentSegment, code: string, packetType: string): void;
  /** A server was lost. Deprecated in Konnectivity in favour of `streamError`. */
  serverFailure(direction: 'to_server' | 'from_server'): void;
  endpointDialFailure(reason: 'timeout' | 'unknown'): void;
  readonly dialDuration: Timing;
  readonly openServerConnections: Level;
  readonly knownServerCount: Level;
  readonly openEndpointConnections: Level;
  leaseList(httpResponseCode: string, reason: string): void;
  leaseWatch(httpResponseCode: string, reason: string): void;
  leaseListLatency(httpResponseCode: string): Timing;
}

/** Konnectivity counts an agent's packets as the server sees them. */
export type AgentSegment = Extract<Segment, 'from_agent' | 'to_agent'>;

const latencyBuckets = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** Help texts are Konnectivity's, because tests and users compare them. `levels` is called at each scrape. */
export function createAgentMetrics(levels: () => AgentLevels): AgentMetrics {
  const kit = new MetricKit('konnectivity_network_proxy_agent');
  showProcess(new MetricKit('process', kit));
  const calls = 'made by the agent to the k8s apiserver, labeled by HTTP response code and reason';
  const leaseLabels = ['http_response_code', 'reason'];
  return {
    own: createAgentOwnMetrics(new MetricKit('konnsim_agent', kit), levels),
    text: () => kit.text(),
    packet: kit.packetCounter('stream_packets_total', streamHelp.packets),
    streamError: kit.counter('stream_errors_total', streamHelp.errors, ['segment', 'code', 'packet_type']),
    serverFailure: kit.counter(
      'server_connection_failure_count',
      'Count of failures to send to or receive from the proxy server, labeled by the direction (from_server or to_server). DEPRECATED, please use stream_events_error_total',
      ['direction'],
    ),
    endpointDialFailure: kit.counter(
      'endpoint_dial_failure_total',
      'Number of failures dialing the remote endpoint, by reason (example: timeout).',
      ['reason'],
    ),
    dialDuration: kit.timing(
      'dial_duration_seconds',
      'Latency of dial to the remote endpoint in seconds',
      latencyBuckets,
    ),
    openServerConnections: kit.level('open_server_connections', 'Current number of open server connections.'),
    knownServerCount: kit.level(
      'known_server_count',
      'Current number of servers agent is trying to connect to.',
    ),
    openEndpointConnections: kit.level(
      'open_endpoint_connections',
      'Current number of open endpoint connections.',
    ),
    leaseList: kit.counter('lease_lists_total', `Count of server lease list calls ${calls}`, leaseLabels),
    leaseWatch: kit.counter('lease_watches_total', `Count of server lease watch calls ${calls}`, leaseLabels),
    leaseListLatency: kit.timings(
      'lease_list_latency_seconds',
      'Latency of server lease listing in seconds',
      'http_response_code',
      latencyBuckets,
    ),
  };
}
