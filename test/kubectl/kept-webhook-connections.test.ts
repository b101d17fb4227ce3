import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/index.js';
import { createAuthority } from '../../src/pki/authority.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../support/handles.js';
import { createKubectl, findKubectls, type Kubectl } from '../support/kubectl.js';
import { waitMs } from '../support/waits.js';
import { startWebhookTarget, type WebhookTarget } from '../support/webhook-target.js';

const newest = findKubectls().at(-1);
const port = 9443;

/** A webhook of a Service whose endpoint is a process on the node. */
describe.skipIf(newest === undefined)('connections to webhooks through the tunnel', () => {
  let lab: Lab;
  let kubectl: Kubectl;
  let hook: WebhookTarget;
  let address: string;
  let before: Handles;
  beforeAll(async () => {
    if (newest === undefined) return;
    before = currentHandles();
    lab = await startLab({ nodes: 1 });
    kubectl = await createKubectl(newest, lab.kubeconfig);
    const authority = await createAuthority();
    const dnsNames = ['hook.default.svc'];
    hook = await startWebhookTarget(
      await authority.issue({ commonName: 'hook', dnsNames, usages: ['server'] }),
    );
    const ip = lab.nodes[0]?.ip ?? '';
    address = `${ip}:${port}`;
    lab['insides'].context.network.register(ip, port, { host: '127.0.0.1', port: hook.port });
    const items = objectsOf(ip, Buffer.from(authority.certPem).toString('base64'));
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    expect(await kubectl.run(['apply', '-f', '-'], { stdin: list })).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await kubectl?.close();
    await lab?.stop();
    await hook?.close();
  });

  let made = 0;
  /** What kubectl says of a new ConfigMap, and how often the webhook was dialled for it. */
  async function create(): Promise<{ readonly said: string; readonly dials: number }> {
    const since = lab.mark();
    const { stdout, stderr } = await kubectl.run(['create', 'configmap', `map-${++made}`]);
    const dials = lab
      .events()
      .filter(({ seq, ...event }) => seq > since && event.kind === 'dial.started')
      .filter(
        (event) => 'address' in event && event.address === address && event.node.startsWith('apiserver/'),
      );
    return { said: (stdout + stderr).trim(), dials: dials.length };
  }

  const created = (dials: number): object => ({ said: `configmap/map-${made} created`, dials });
  const failed = (text: string): string =>
    `error: failed to create configmap: Internal error occurred: failed calling webhook "v.hook.example": failed to call webhook: Post "https://hook.default.svc:443/check?timeout=1s": ${text}`;
  const closed = (since: number): Promise<unknown> =>
    lab.waitFor({ kind: 'connection.closed', node: 'apiserver/main' }, { since, withinMs: waitMs });

  it('carry the next call, too, as a ladder shows', async () => {
    expect(await create()).toEqual(created(1));
    const since = lab.mark();
    expect(await create()).toEqual(created(0));
    const reused = await lab.waitFor({ kind: 'connection.reused' }, { since, withinMs: waitMs });
    expect(lab.ladder(reused.request ?? '')).toMatch(/● uses the connection of main-\d+ to\s/);
    // It is open, and that is no leak.
    expect(lab.open()).toMatchObject({ established: 1, endpoints: 1, tunnelConnections: 1 });
    await lab.checkInvariants();
  });

  it('are dialled anew when the webhook has closed them', async () => {
    const since = lab.mark();
    hook.server.closeIdleConnections();
    await closed(since);
    expect(await create()).toEqual(created(1));
  });

  it('end with EOF for a call under way, also after a reset', async () => {
    for (const deed of ['end', 'reset'] as const) {
      hook.deed = deed;
      expect((await create()).said).toBe(failed('EOF'));
    }
    hook.deed = 'answer';
    expect(await create()).toEqual(created(1));
  });

  it('are given up when the webhook is silent, and the next call dials', async () => {
    hook.deed = 'silence';
    expect(await create()).toEqual({ said: failed('context deadline exceeded'), dials: 0 });
    hook.deed = 'answer';
    expect(await create()).toEqual(created(1));
  });

  it('are lost with the agent', async () => {
    const agent = lab.part('agent/node-1');
    const since = lab.mark();
    await agent.kill();
    await closed(since);
    expect((await create()).said).toBe(failed('No agent available'));
    await agent.start();
    expect(await create()).toEqual(created(1));
  });

  it('fail a call under way with EOF when the agent or the server goes away', async () => {
    for (const name of ['agent/node-1', 'server/server-1']) {
      hook.deed = 'silence';
      const { calls } = hook;
      const failing = create();
      await expect.poll(() => hook.calls, { timeout: waitMs }).toBe(calls + 1);
      await lab.part(name).kill();
      expect((await failing).said).toBe(failed('EOF'));
      hook.deed = 'answer';
      await lab.part(name).start();
      expect(await create()).toEqual(created(1));
    }
  });

  it('are closed when the API server stops', async () => {
    expect(lab.open().tunnelConnections).toBe(1);
    const api = lab.part('apiserver/main');
    await api.kill();
    await lab.settled();
    await api.start();
    expect(await create()).toEqual(created(1));
  });

  it('leave nothing open in a lab that has stopped', async () => {
    expect(lab.open().tunnelConnections).toBe(1);
    await lab.stop();
    await hook.close();
    await expectNoNewHandles(before);
  });
});

function objectsOf(ip: string, caBundle: string): object[] {
  const metadata = { name: 'hook', namespace: 'default' };
  const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
  const service = { name: 'hook', namespace: 'default', path: '/check' };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 443 }] } },
    { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: [{ addresses: [{ ip }], ports: [{ port }] }] },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'hook' },
      webhooks: [
        {
          ...{
            name: 'v.hook.example',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            timeoutSeconds: 1,
          },
          ...{ rules: [rule], clientConfig: { service, caBundle } },
        },
      ],
    },
  ];
}
