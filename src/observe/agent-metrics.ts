import type { Segment } from '../core/observer.js';
import { type Level, MetricKit, type MetricsText, type Timing } from './metric-kit.js';

/** What an agent counts, under Konnectivity's names (`konnectivity_network_proxy_agent_…`). */
export interface AgentMetrics extends MetricsText {
  /** A packet was taken from, or is about to be handed to, a server. */
  packet(segment: AgentSegment, packetType: string): void;
  /** A stream failed other than by its end; `code` is a gRPC code name, `packetType` is `Unknown` for receiving. */
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

/** Konnectivity counts an agent's packets from the server's point of view. */
export type AgentSegment = Extract<Segment, 'from_agent' | 'to_agent'>;

const latencyBuckets = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** Makes the metrics of one agent. */
export function createAgentMetrics(): AgentMetrics {
  const kit = new MetricKit('konnectivity_network_proxy_agent');
  const streamErrors = 'Errors on server streams, by direction, gRPC code and packet.';
  const dial = 'Time that connecting to an endpoint took, in seconds.';
  const listTime = 'Time of lease lists, in seconds.';
  const leaseLabels = ['http_response_code', 'reason'];
  return {
    text: () => kit.text(),
    contentType: kit.contentType,
    packet: kit.packetCounter('stream_packets_total', 'Packets passed between the agent and its servers.'),
    streamError: kit.counter('stream_errors_total', streamErrors, ['segment', 'code', 'packet_type']),
    serverFailure: kit.counter(
      'server_connection_failure_count',
      'Server connections that failed, by direction. Deprecated, see stream_errors_total.',
      ['direction'],
    ),
    endpointDialFailure: kit.counter(
      'endpoint_dial_failure_total',
      'Endpoints that could not be connected to.',
      ['reason'],
    ),
    dialDuration: kit.timing('dial_duration_seconds', dial, latencyBuckets),
    openServerConnections: kit.level('open_server_connections', 'Servers that the agent is connected to.'),
    knownServerCount: kit.level('known_server_count', 'Servers that the agent was told to look for.'),
    openEndpointConnections: kit.level('open_endpoint_connections', 'Connections to endpoints open now.'),
    leaseList: kit.counter('lease_lists_total', 'Lease lists, by HTTP status and reason.', leaseLabels),
    leaseWatch: kit.counter('lease_watches_total', 'Lease watches, by HTTP status and reason.', leaseLabels),
    leaseListLatency: kit.timings(
      'lease_list_latency_seconds',
      listTime,
      'http_response_code',
      latencyBuckets,
    ),
  };
}
