import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConnectionView, type Lab, labMatchers, startLab } from '../../src/index.js';
import { eventually, once, waitMs } from '../support/waits.js';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab({ nodes: 1, servers: 2, serverCount: 2 });
});
afterEach(() => lab.stop());

/** The pod that sends back what it gets. */
function echoIp(): string {
  return lab.topology.objects.pods.find(({ metadata }) => metadata.name === 'echo')?.status.podIP ?? '';
}

/** The one connection of a test. */
function only(): ConnectionView | undefined {
  const all = lab.connections();
  expect(all.length).toBeLessThanOrEqual(1);
  return all[0];
}

describe('lab.connections()', () => {
  it('shows what each end believes of an open connection, its bytes, and nothing of one that is over', async () => {
    expect(lab.connections()).toEqual([]);
    const stream = await lab.dial(echoIp(), 7, { request: 'mine' });
    stream.write('ping');
    await once(stream, 'data');
    expect(only()).toMatchObject({
      request: 'mine',
      address: `${echoIp()}:7`,
      frontend: 'client/lab',
      server: 'server/server-1',
      agent: 'agent/node-1',
      dialId: expect.stringMatching(/^\d+$/),
      connectId: expect.stringMatching(/^\d+$/),
      atFrontend: 'open',
      atServer: 'open',
      atAgent: 'open',
      toEndpointBytes: 4,
      fromEndpointBytes: 4,
      zombie: false,
      heldBy: ['frontend', 'server', 'agent'],
    });
    expect(await labMatchers.toHaveNoZombies(lab)).toMatchObject({ pass: true });
    stream.destroy();
    await lab.settled({ withinMs: waitMs });
    expect(lab.connections()).toEqual([]);
  });

  it('shows a dial that is not answered', async () => {
    lab['insides'].context.network.register('10.0.1.11', 99, 'silence');
    const controller = new AbortController();
    const dial = lab.dial('10.0.1.11', 99, { signal: controller.signal });
    dial.catch(() => undefined);
    await lab.waitFor({ kind: 'endpoint.dialing' }, { withinMs: waitMs });
    expect(only()).toMatchObject({
      atFrontend: 'dialing',
      atServer: 'dialing',
      atAgent: 'dialing',
      zombie: false,
    });
    controller.abort();
    await expect(dial).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
  });

  it('are named by a fault that hits their flow, unless its link has several', async () => {
    const named = (): unknown[] => {
      const since = lab.mark();
      for (const to of ['server/1', 'pod/default/echo'])
        lab.link('agent/node-1', to).fault({ do: { latency: { delay: 1 } } });
      lab.heal();
      const hits = lab.events().filter(({ kind, seq }) => kind === 'fault.hit' && seq > since);
      return hits.map((hit) => Reflect.get(hit, 'connections'));
    };
    const first = await lab.dial(echoIp(), 7);
    const [one] = lab.connections();
    expect(named()).toEqual([one?.connectId, one?.connectId]);
    const second = await lab.dial(echoIp(), 7);
    const two = lab.connections().at(-1);
    expect(named()).toEqual([`${one?.connectId},${two?.connectId}`, undefined, undefined]);
    first.destroy();
    second.destroy();
  });

  it('names the ends that hold a zombie alone: the agent is gone, and its link lost the end', async () => {
    const stream = await lab.dial(echoIp(), 7);
    lab.link('agent/node-1', 'server/*').fault({ do: 'drop' });
    await lab.part('agent/node-1').kill();
    expect(only()).toMatchObject({
      atFrontend: 'open',
      atServer: 'open',
      atAgent: 'gone',
      zombie: true,
      heldBy: ['frontend', 'server'],
    });
    const { pass, message } = await labMatchers.toHaveNoZombies(lab);
    expect(pass).toBe(false);
    expect(message()).toContain('through server/server-1 and agent/node-1: held by frontend, server alone');
    stream.destroy();
    await eventually(() => expect(only()).toMatchObject({ atFrontend: 'closing', atServer: 'open' }));
  });
});
