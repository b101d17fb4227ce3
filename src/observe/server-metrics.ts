import type { DialFailureReason, Segment } from '../core/observer.js';
import { type Level, MetricKit, type MetricsText, streamHelp, type Timing } from './metric-kit.js';
import { showProcess } from './process-metrics.js';
import { createServerOwnMetrics, type ServerLevels, type ServerOwnMetrics } from './server-own-metrics.js';

/** The two gRPC services of a proxy-server, as its metrics call them. */
export type ServiceMethod = 'Proxy' | 'Connect';

/** The metrics of a proxy-server. All but `own` have Konnectivity's names (`konnectivity_network_proxy_server_…`). */
export interface ServerMetrics extends MetricsText {
  readonly own: ServerOwnMetrics;
  /** A packet was received from a stream, or is about to be sent to one. */
  packet(segment: Segment, packetType: string): void;
  /** A stream failed, without an orderly end. `code` is a gRPC code name; `packetType` is `Unknown` for receiving. */
  streamError(segment: Segment, code: string, packetType: string): void;
  dialFailure(reason: DialFailureReason): void;
  readonly dialDuration: Timing;
  readonly frontendWriteDuration: Timing;
  readonly connectionDuration: Timing;
  readonly pendingDials: Level;
  readonly established: Level;
  grpcConnections(service: ServiceMethod): Level;
  readonly httpConnections: Level;
  /** Agents of the first strategy: the old metric without a label. */
  readonly readyBackendConnections: Level;
  readyBackends(strategy: string): Level;
  fullReceiveChannels(service: ServiceMethod): Level;
  leaseCulled(): void;
  leaseDelete(httpStatusCode: string, reason: string): void;
  leaseList(httpStatusCode: string, reason: string): void;
  leaseDeleteLatency(httpStatusCode: string): Timing;
  leaseListLatency(httpStatusCode: string): Timing;
}

const latencyBuckets = [1e-6, 1e-5, 1e-4, 0.005, 0.025, 0.1, 0.5, 2.5, 12.5];
const lifeBuckets = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 14_400, 43_200, 86_400];
const services: readonly ServiceMethod[] = ['Proxy', 'Connect'];

/** Help texts are Konnectivity's with their mistakes: users compare them. `levels` is called at each scrape. */
export function createServerMetrics(levels: () => ServerLevels): ServerMetrics {
  const kit = new MetricKit('konnectivity_network_proxy_server');
  showProcess(new MetricKit('process', kit));
  return {
    own: createServerOwnMetrics(new MetricKit('konnsim_server', kit), levels),
    ...streamMetrics(kit),
    ...dialMetrics(kit),
    ...connectionMetrics(kit),
    ...leaseMetrics(kit),
    text: () => kit.text(),
  };
}

function streamMetrics(kit: MetricKit) {
  return {
    packet: kit.packetCounter('stream_packets_total', streamHelp.packets),
    streamError: kit.counter('stream_errors_total', streamHelp.errors, [
      'segment',
      'code',
      'packet_type',
    ]) satisfies ServerMetrics['streamError'],
  };
}

function dialMetrics(kit: MetricKit) {
  const dial = 'Latency of dial to the remote endpoint in seconds';
  const write = 'Latency of write to the frontend in seconds';
  const failures = 'Number of dial failures observed. Multiple failures can occur for a single dial request.';
  return {
    dialFailure: kit.counter('dial_failure_count', failures, ['reason']),
    dialDuration: kit.timing('dial_duration_seconds', dial, latencyBuckets),
    frontendWriteDuration: kit.timing('frontend_write_duration_seconds', write, latencyBuckets),
    pendingDials: kit.level('pending_backend_dials', 'Current number of pending backend dial requests'),
  };
}

function connectionMetrics(kit: MetricKit) {
  const life =
    'Duration in seconds a proxied end-to-end connection was established (post-dial) before being closed.';
  const established = 'Current number of established end-to-end connections (post-dial).';
  const perService = 'Number of current grpc connections, partitioned by service method.';
  const full =
    'Number of current connections blocked by a full receive channel, partitioned by service method.';
  const ready = 'Number of konnectivity agent connected to the proxy server';
  const deprecated = `${ready}. DEPRECATED, please use ready_backends`;
  return {
    connectionDuration: kit.timing('connection_duration_seconds', life, lifeBuckets),
    established: kit.level('established_connections', established),
    grpcConnections: kit.levels('grpc_connections', perService, 'service_method', services),
    httpConnections: kit.level('http_connections', 'Number of current HTTP CONNECT connections'),
    readyBackendConnections: kit.level('ready_backend_connections', deprecated),
    readyBackends: kit.levels('ready_backends', ready, 'proxy_strategy'),
    fullReceiveChannels: kit.levels('full_receive_channels', full, 'service_method', services),
  };
}

function leaseMetrics(kit: MetricKit) {
  const labels = ['http_status_code', 'reason'];
  const by = 'by the garbage collection controller';
  const labelled = `${by}. Labeled by HTTP status code and reason.`;
  const culled = kit.counter(
    'culled_leases_count',
    'Count of expired leases that the lease garbage collection controller has culled.',
  );
  return {
    leaseCulled: () => culled(),
    leaseDelete: kit.counter('lease_delete_total', `Count of lease delection calls ${labelled}`, labels),
    leaseList: kit.counter('lease_list_total', `Count of lease deletion calls ${labelled}`, labels),
    leaseDeleteLatency: kit.timings(
      'lease_delete_latency_seconds',
      `Latency of lease deletion calls ${by} in seconds.`,
      'http_status_code',
    ),
    leaseListLatency: kit.timings(
      'lease_list_latency_seconds',
      `Latency of lease list calls ${by} in seconds.`,
      'http_status_code',
    ),
  };
}
