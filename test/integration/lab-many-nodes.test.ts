import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { type Lab, startLab } from '../../src/index.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import { type Lease, leases } from '../../src/kube/lease.js';
import { leafTls } from '../../src/pki/certificate-set.js';
import { eventually } from '../support/waits.js';

/** Enough for kubelets and agents that wait for their turn. Joining takes a busy machine a quarter of a second each. */
const count = 70;
const last = `node-${count}`;

describe('a lab with many nodes', () => {
  let lab: Lab;
  let admin: KubeClient;

  beforeAll(async () => {
    lab = await startLab({ nodes: count });
    const tls = leafTls(lab.certificates, 'admin');
    const access = { server: new URL(lab.apiServerUrl), tls: () => tls, headers: () => ({}) };
    admin = new KubeClient({ access, clock: createRealClock() });
  });
  afterAll(async () => {
    await admin.close();
    await lab.stop();
  });

  it('runs commands on the first node and on the last', async () => {
    const outcomes = await Promise.all(['web-1', `web-${count}`].map((pod) => lab.exec(pod, ['hostname'])));
    expect(outcomes.map(({ stdout }) => stdout)).toEqual(['web-1\n', `web-${count}\n`]);
  });

  it('carries a port of a pod on the last node', async () => {
    const forward = await lab.portForward(`web-${count}`, 8080);
    const answer = await fetch(`http://127.0.0.1:${forward.port}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toContain(`pod: web-${count}`);
    await forward.close();
  });

  it('shows every node in the API, and the last one joins it, too', async () => {
    const { items } = await admin.listAll({ resource: { group: '', version: 'v1', plural: 'nodes' } });
    expect(items).toHaveLength(count);
    const lease = { resource: leases, namespace: 'kube-node-lease', name: last };
    const holder = async (): Promise<string | undefined> =>
      (await admin.get<Lease>(lease).catch(() => undefined))?.spec?.holderIdentity;
    await eventually(async () => expect(await holder()).toBe(last), { withinMs: 75_000 });
  });

  it('has an agent on the last node that can be killed and started again', async () => {
    const agent = lab.part(`agent/${last}`);
    const gone = lab.waitFor({ kind: 'backend.disconnected', peer: agent.name });
    await agent.kill();
    await gone;
    await agent.start();
    expect(await lab.exec(`web-${count}`, ['hostname'])).toMatchObject({ stdout: `web-${count}\n` });
  });
});
