import { describe, expect, it } from 'vitest';
import type { AgentView } from '../../../src/core/server/agent-view.js';
import { createAgentMetrics } from '../../../src/observe/agent-metrics.js';
import { createServerMetrics } from '../../../src/observe/server-metrics.js';
import type { ServerLevels } from '../../../src/observe/server-own-metrics.js';
import { createReadyBackends } from '../../../src/server/metrics-observer.js';
import { noAgent, noServer } from '../../support/metric-levels.js';
import { answer, data, dial, ServerBench } from '../../support/server-bench.js';

/** The samples of our own metrics, without the prefix. */
async function own(metrics: { text(): Promise<string> }): Promise<string[]> {
  const text = await metrics.text();
  return [...text.matchAll(/^konnsim_(?:server|agent)_(.*)$/gm)].map((match) => match[1] ?? '');
}

describe('a server’s metrics of our own', () => {
  it('show each connected agent, and no agent that is gone', async () => {
    const agent: AgentView = {
      ...{ agentId: 'node-1', streams: 1, connections: 2, pendingDials: 3, silentMs: 1500, draining: true },
      ...{ toAgentBytes: 10, fromAgentBytes: 20 },
    };
    let levels: ServerLevels = { ...noServer, agents: [agent] };
    const metrics = createServerMetrics(() => levels);
    expect(await own(metrics)).toEqual(
      expect.arrayContaining([
        'agent_streams{agent_id="node-1"} 1',
        'agent_connections{agent_id="node-1"} 2',
        'agent_pending_dials{agent_id="node-1"} 3',
        'agent_draining{agent_id="node-1"} 1',
        'agent_silent_seconds{agent_id="node-1"} 1.5',
        'agent_bytes_total{agent_id="node-1",direction="to_agent"} 10',
        'agent_bytes_total{agent_id="node-1",direction="from_agent"} 20',
      ]),
    );
    levels = noServer;
    expect(await metrics.text()).not.toContain('node-1');
  });

  it('count closes with their bytes, dials with their outcome, pauses, losses and stalls', async () => {
    const metrics = createServerMetrics(() => ({
      ...noServer,
      announcedServers: 3,
      stalledFrontends: 2,
      payload: { toAgentBytes: 7, fromAgentBytes: 8 },
    }));
    metrics.own.connectionClosed('frontend_stalled', { toAgentBytes: 5, fromAgentBytes: 6 });
    metrics.own.dialEnded('no_agent', 0);
    metrics.own.paused('HTTP');
    metrics.own.agentConnected();
    metrics.own.agentLeft(true);
    expect(await own(metrics)).toEqual(
      expect.arrayContaining([
        'connections_closed_total{reason="frontend_stalled"} 1',
        'connections_closed_total{reason="agent"} 0',
        'closed_connection_bytes_total{direction="to_agent",reason="frontend_stalled"} 5',
        'closed_connection_bytes_total{direction="from_agent",reason="frontend_stalled"} 6',
        'dial_outcome_duration_seconds_count{outcome="no_agent"} 1',
        'stream_pauses_total{source="HTTP"} 1',
        'agent_connects_total 1',
        'agent_losses_total{end="lost"} 1',
        'announced_servers 3',
        'stalled_frontends_total 2',
        'bytes_total{direction="to_agent"} 7',
        'bytes_total{direction="from_agent"} 8',
      ]),
    );
  });
});

describe('what a server machine knows of its agents', () => {
  it('is the bytes each way, of open connections and of those that ended', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.send(data(1n, 'hello'));
    agent.send(data(1n, 'hi'));
    expect(bench.machine.agents()).toMatchObject([
      { agentId: 'a', connections: 1, toAgentBytes: 5, fromAgentBytes: 2, draining: false },
    ]);
    frontend.close();
    expect(bench.machine.agents()).toMatchObject([{ connections: 0, toAgentBytes: 5, fromAgentBytes: 2 }]);
    agent.close();
    expect(bench.machine.agents()).toEqual([]);
    expect(bench.machine.payload()).toEqual({ toAgentBytes: 5, fromAgentBytes: 2 });
  });

  it('is one view for all streams of an agent ID, and how long it was silent', () => {
    const bench = new ServerBench();
    const { agent } = bench.connected();
    bench.agent('a');
    bench.clock.advance(4000);
    expect(bench.machine.agents()).toMatchObject([{ streams: 2, silentMs: 4000 }]);
    agent.send(data(1n, 'late'));
    expect(bench.machine.agents()).toMatchObject([{ silentMs: 0 }]);
    bench.frontend('g').send(dial(8n));
    agent.send(answer(9n, 0n));
    expect(bench.machine.agents()).toMatchObject([{ pendingDials: 1 }]);
  });

  it('is how many frontends were cut for taking nothing', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.port.congested = true;
    agent.send(data(1n, 'x'));
    bench.clock.advance(60_000);
    expect(bench.machine.state().stalledFrontends).toBe(1);
    expect(bench.told).toContain('closed 1 frontend_stalled');
  });
});

describe('ready_backend_connections', () => {
  it('has the number of the strategy that changed last, as in Konnectivity', async () => {
    const metrics = createServerMetrics(() => noServer);
    const bench = new ServerBench(0, ['destHost', 'default']);
    const show = createReadyBackends(metrics);
    const shown = async (): Promise<string | undefined> => {
      show(bench.machine.state());
      return /ready_backend_connections (\d+)/.exec(await metrics.text())?.[1];
    };
    expect(await shown()).toBe('0');
    bench.agent('a', ['one', 'two']);
    expect(await shown()).toBe('1');
    bench.agent('a', ['three']);
    expect(await shown()).toBe('3');
  });
});

describe('the metrics of the process', () => {
  it('are those that Go’s library shows', async () => {
    for (const metrics of [createServerMetrics(() => noServer), createAgentMetrics(() => noAgent)]) {
      const text = await metrics.text();
      const shown = [...text.matchAll(/^process_(\w+) ([\d.e+]+)$/gm)].map(([, name, value]) => [
        name,
        Number(value),
      ]);
      const values = Object.fromEntries(shown) as Record<string, number>;
      expect(values['resident_memory_bytes']).toBeGreaterThan(1e6);
      expect(values['cpu_seconds_total']).toBeGreaterThan(0);
      expect(Math.abs((values['start_time_seconds'] ?? 0) - Date.now() / 1000)).toBeLessThan(3600);
      if (process.platform !== 'linux') continue;
      expect(values['open_fds']).toBeLessThan(values['max_fds'] ?? 0);
    }
  });
});

describe('an agent’s metrics of our own', () => {
  it('show servers, payload, dials, closes and reconnects', async () => {
    const metrics = createAgentMetrics(() => ({
      servers: [{ serverId: 's1', announcedServers: 2 }],
      openPayload: { toEndpointBytes: 1, fromEndpointBytes: 2 },
      pendingDials: 4,
      draining: true,
    }));
    metrics.own.connectionClosed('endpoint', { toEndpointBytes: 10, fromEndpointBytes: 20 });
    metrics.own.dialEnded('refused', 0.01);
    metrics.own.serverAttempt('connected');
    metrics.own.serverAttempt('duplicate');
    metrics.own.serverLost();
    metrics.own.serverAttempt('connected');
    metrics.own.paused();
    expect(await own(metrics)).toEqual(
      expect.arrayContaining([
        'announced_servers{server_id="s1"} 2',
        'bytes_total{direction="to_endpoint"} 11',
        'bytes_total{direction="from_endpoint"} 22',
        'closed_connection_bytes_total{direction="from_endpoint",reason="endpoint"} 20',
        'connections_closed_total{reason="endpoint"} 1',
        'connections_closed_total{reason="endpoint_stalled"} 0',
        'dial_outcome_duration_seconds_count{outcome="refused"} 1',
        'pending_dials 4',
        'draining 1',
        'server_connects_total{outcome="connected"} 2',
        'server_connects_total{outcome="duplicate"} 1',
        'server_losses_total 1',
        'server_reconnects_total 1',
        'stream_pauses_total 1',
      ]),
    );
    expect(await createAgentMetrics(() => noAgent).text()).not.toContain('server_id=');
  });
});
