import { describe, expect, it } from 'vitest';
import { createAgentMetrics } from '../../../src/observe/agent-metrics.js';
import { createServerMetrics } from '../../../src/observe/server-metrics.js';
import { noAgent, noServer } from '../../support/metric-levels.js';

/** `name type` of every metric in a text. */
function catalogue(text: string): string[] {
  return [...text.matchAll(/^# TYPE konnectivity_network_proxy_(\S+) (\S+)$/gm)]
    .map(([, name, type]) => `${name} ${type}`)
    .sort();
}

function buckets(text: string, name: string): string[] {
  const pattern = new RegExp(`^konnectivity_network_proxy_${name}_bucket\\{le="([^"]+)"`, 'gm');
  return [...text.matchAll(pattern)].map(([, bound]) => String(bound));
}

describe('the metrics of a proxy-server', () => {
  it('are those of Konnectivity, by name and type', async () => {
    const metrics = createServerMetrics(() => noServer);
    metrics.dialFailure('no_agent');
    metrics.readyBackends('default').set(0);
    metrics.packet('from_client', 'DATA');
    metrics.streamError('from_client', 'Canceled', 'Unknown');
    metrics.leaseDelete('200', '');
    metrics.leaseList('200', '');
    metrics.leaseDeleteLatency('200').observe(1);
    metrics.leaseListLatency('200').observe(1);
    expect(catalogue(await metrics.text())).toEqual([
      'server_connection_duration_seconds histogram',
      'server_culled_leases_count counter',
      'server_dial_duration_seconds histogram',
      'server_dial_failure_count counter',
      'server_established_connections gauge',
      'server_frontend_write_duration_seconds histogram',
      'server_full_receive_channels gauge',
      'server_grpc_connections gauge',
      'server_http_connections gauge',
      'server_lease_delete_latency_seconds histogram',
      'server_lease_delete_total counter',
      'server_lease_list_latency_seconds histogram',
      'server_lease_list_total counter',
      'server_pending_backend_dials gauge',
      'server_ready_backend_connections gauge',
      'server_ready_backends gauge',
      'server_stream_errors_total counter',
      'server_stream_packets_total counter',
    ]);
  });

  it('use Konnectivity’s buckets', async () => {
    const metrics = createServerMetrics(() => noServer);
    metrics.dialDuration.observe(0.003);
    const text = await metrics.text();
    const latency = ['1e-06', '1e-05', '0.0001', '0.005', '0.025', '0.1', '0.5', '2.5', '12.5', '+Inf'];
    expect(buckets(text, 'server_dial_duration_seconds')).toEqual(latency);
    expect(buckets(text, 'server_frontend_write_duration_seconds')).toEqual(latency);
    expect(buckets(text, 'server_connection_duration_seconds')).toEqual([
      '1',
      '5',
      '15',
      '30',
      '60',
      '300',
      '900',
      '1800',
      '3600',
      '14400',
      '43200',
      '86400',
      '+Inf',
    ]);
    expect(text).toContain('server_dial_duration_seconds_bucket{le="0.0001"} 0');
    expect(text).toContain('server_dial_duration_seconds_bucket{le="0.005"} 1');
  });

  it('carry Konnectivity’s labels', async () => {
    const metrics = createServerMetrics(() => noServer);
    for (let count = 0; count < 3; count++) metrics.packet('from_client', 'DATA');
    metrics.packet('to_agent', 'DIAL_REQ');
    metrics.streamError('from_agent', 'Canceled', 'Unknown');
    metrics.dialFailure('no_agent');
    metrics.grpcConnections('Connect').inc();
    metrics.readyBackends('destHost').set(2);
    metrics.leaseList('200', 'OK');
    metrics.leaseListLatency('200').observe(0.2);
    metrics.leaseCulled();
    const lines = (await metrics.text()).split('\n');
    const prefix = 'konnectivity_network_proxy_server_';
    for (const sample of [
      'stream_packets_total{packet_type="DATA",segment="from_client"} 3',
      'stream_packets_total{packet_type="DIAL_REQ",segment="to_agent"} 1',
      'stream_errors_total{code="Canceled",packet_type="Unknown",segment="from_agent"} 1',
      'dial_failure_count{reason="no_agent"} 1',
      'grpc_connections{service_method="Connect"} 1',
      'grpc_connections{service_method="Proxy"} 0',
      'ready_backends{proxy_strategy="destHost"} 2',
      'lease_list_total{http_status_code="200",reason="OK"} 1',
      'lease_list_latency_seconds_count{http_status_code="200"} 1',
      'culled_leases_count 1',
    ]) {
      expect(lines).toContain(prefix + sample);
    }
  });

  it('are left out until they have a value, as by Go’s library', async () => {
    const metrics = createServerMetrics(() => noServer);
    expect(await metrics.text()).not.toContain('dial_failure_count');
    metrics.dialFailure('no_agent');
    expect(await metrics.text()).toContain('dial_failure_count{reason="no_agent"} 1');
  });

  it('count on after they were read', async () => {
    const metrics = createServerMetrics(() => noServer);
    metrics.packet('from_client', 'DATA');
    await metrics.text();
    metrics.packet('from_client', 'DATA');
    expect(await metrics.text()).toContain(
      'stream_packets_total{packet_type="DATA",segment="from_client"} 2',
    );
  });

  it('are each server’s own', async () => {
    const [one, other] = [createServerMetrics(() => noServer), createServerMetrics(() => noServer)];
    one.established.inc();
    one.pendingDials.set(7);
    one.established.inc();
    one.established.dec();
    expect(await one.text()).toContain('server_established_connections 1');
    expect(await one.text()).toContain('server_pending_backend_dials 7');
    expect(await other.text()).toContain('server_established_connections 0');
  });
});

describe('the metrics of an agent', () => {
  it('are those of Konnectivity, by name, type, label and bucket', async () => {
    const metrics = createAgentMetrics(() => noAgent);
    metrics.serverFailure('from_server');
    metrics.endpointDialFailure('timeout');
    metrics.openServerConnections.set(3);
    metrics.packet('to_agent', 'DATA');
    metrics.leaseWatch('200', 'OK');
    metrics.leaseList('200', '');
    metrics.leaseListLatency('200').observe(1);
    metrics.streamError('to_agent', 'Unavailable', 'Unknown');
    const text = await metrics.text();
    expect(catalogue(text)).toEqual([
      'agent_dial_duration_seconds histogram',
      'agent_endpoint_dial_failure_total counter',
      'agent_known_server_count gauge',
      'agent_lease_list_latency_seconds histogram',
      'agent_lease_lists_total counter',
      'agent_lease_watches_total counter',
      'agent_open_endpoint_connections gauge',
      'agent_open_server_connections gauge',
      'agent_server_connection_failure_count counter',
      'agent_stream_errors_total counter',
      'agent_stream_packets_total counter',
    ]);
    expect(buckets(text, 'agent_dial_duration_seconds')).toEqual([
      '0.005',
      '0.025',
      '0.1',
      '0.5',
      '2.5',
      '10',
      '30',
      '+Inf',
    ]);
    expect(text).toContain('agent_server_connection_failure_count{direction="from_server"} 1');
    expect(text).toContain('agent_endpoint_dial_failure_total{reason="timeout"} 1');
    expect(text).toContain('agent_open_server_connections 3');
    expect(text).toContain('agent_stream_packets_total{packet_type="DATA",segment="to_agent"} 1');
    expect(text).toContain('agent_lease_watches_total{http_response_code="200",reason="OK"} 1');
  });
});
