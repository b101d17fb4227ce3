import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type Lab, type LabOptions, startLab } from '../../src/index.js';
import type { KubeletConfig } from '../../src/kubelet-stub/config.js';
import { startKubelet } from '../../src/kubelet-stub/kubelet.js';
import { createAuthority } from '../../src/pki/authority.js';
import { askApi } from '../support/ask-api.js';
import { eventually, once, waitMs, within } from '../support/waits.js';

const labs: Lab[] = [];
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop();
  for (const end of ends.splice(0)) await end();
});

async function start(options: LabOptions = {}): Promise<Lab> {
  const lab = await startLab({ nodes: 1, ...options });
  labs.push(lab);
  return lab;
}

const withinMs = waitMs;
const log = '/api/v1/namespaces/default/pods/web-1/log';
const node = { ip: '10.0.1.11', kubeletPort: 10_250 };
const causesOf = (lab: Lab, request?: string): string[] =>
  lab.explain(request).causes.map(({ cause }) => cause);

function seqOf(lab: Lab, kind: string, part: string): number {
  return lab.events().findLast((event) => event.kind === kind && event.node === part)?.seq ?? 0;
}

describe('a failed dial is explained', () => {
  it('by a kubelet that was killed', async () => {
    const lab = await start();
    await lab.part('kubelet/node-1').kill();
    await expect(lab.exec('web-1', ['true'])).rejects.toMatchObject({ code: 'DIAL_FAILED' });
    const told = lab.explain();
    expect(told).toMatchObject({ saidBy: 'agent/node-1', causes: [{ cause: 'endpoint-refused' }] });
    expect(told.causes[0]?.evidence).toContain(seqOf(lab, 'role.killed', 'kubelet/node-1'));
    expect(told.line).toBe('dial tcp 10.0.1.11:10250: connect: connection refused');
  });

  it('by an address without a route, and by a name that the agent does not know', async () => {
    const lab = await start();
    await expect(lab.dial('10.0.1.99', 1)).rejects.toMatchObject({ code: 'DIAL_FAILED' });
    expect(causesOf(lab)).toEqual(['endpoint-unreachable']);
    await expect(lab.dial('nowhere.example', 1)).rejects.toMatchObject({ code: 'DIAL_FAILED' });
    expect(causesOf(lab)).toEqual(['endpoint-unknown-name']);
  });

  it('by an endpoint that does not answer, which the agent says', async () => {
    const lab = await start({ timeScale: 10 });
    lab['insides'].context.network.register(node.ip, 99, 'silence');
    await expect(lab.dial(node.ip, 99)).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' });
    expect(lab.explain()).toMatchObject({ saidBy: 'agent/node-1', causes: [{ cause: 'endpoint-silent' }] });
  });

  it('by a flow that a middlebox has forgotten: the server asks an agent that is not reached', async () => {
    const lab = await start({ servers: 2, timeScale: 20 });
    lab['insides'].parts.servers['box']?.forget('drop');
    await expect(lab.exec('web-1', ['true'])).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' });
    const told = lab.explain();
    expect(told).toMatchObject({ line: 'dial timeout, backstop', saidBy: 'client/lab' });
    expect(told.causes).toMatchObject([{ cause: 'agent-silent' }, { cause: 'flow-forgotten' }]);
    expect(told.causes[1]?.why).toContain('the connection of agent/node-1 to server/server-1');
  });

  it('by a server that was killed', async () => {
    const lab = await start();
    await lab.part('server/server-1').kill();
    await expect(lab.exec('web-1', ['true'])).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(lab.explain()).toMatchObject({ saidBy: 'client/lab', causes: [{ cause: 'server-down' }] });
  });
});

describe('a cut connection is explained', () => {
  /** Kills a part in the midst of an exec of the lab's own client, which is told of it. */
  async function cutBy(part: string): Promise<Lab> {
    const lab = await start();
    const running = lab.exec('shell', ['sleep', '600']);
    running.catch(() => undefined);
    await lab.waitFor({ kind: 'request.started', node: 'kubelet/node-1', request: 'exec-1' }, { withinMs });
    await lab.part(part).kill();
    await expect(within(running, 'end of the exec')).rejects.toThrow();
    // The last event of a connection may come behind the client's error.
    await lab.settled({ withinMs });
    return lab;
  }

  it.each([
    ['agent/node-1', 'agent-lost'],
    ['server/server-1', 'server-lost'],
    ['kubelet/node-1', 'endpoint-lost'],
  ])('by the loss of %s', async (part, cause) => {
    const lab = await cutBy(part);
    const told = lab.explain('exec-1');
    expect(told.causes.map((each) => each.cause)).toEqual([cause]);
    expect(told.causes[0]?.why).toContain(`${part} was killed`);
    expect(told.causes[0]?.evidence).toContain(seqOf(lab, 'role.killed', part));
  });
});

describe('a kubelet’s refusal is explained', () => {
  it('with 405 when its debugging handlers are off', async () => {
    const lab = await start({ kubelet: { enableDebuggingHandlers: false } });
    expect((await askApi(lab, log)).status).toBe(405);
    const told = lab.explain();
    expect(told).toMatchObject({ saidBy: 'kubelet/node-1', causes: [{ cause: 'kubelet-debug-off' }] });
    expect(told.causes[0]?.evidence).toContain(seqOf(lab, 'request.failed', 'kubelet/node-1'));
  });

  /** Puts another kubelet at the address of node-1. */
  async function replaceKubelet(
    lab: Lab,
    { clientCa, config = {} }: { readonly clientCa?: string; readonly config?: KubeletConfig },
  ): Promise<void> {
    const { context, parts } = lab['insides'];
    const { certificates, clock, emit, network } = context;
    const { certPem: cert, keyPem: key } = certificates.kubelets.get('node-1') ?? { certPem: '', keyPem: '' };
    const tls = { cert, key, clientCa: clientCa ?? certificates.ca.certPem };
    const runtime = parts.kubelets[0]?.value.runtime;
    if (runtime === undefined) throw new Error('no kubelet');
    const kubelet = await startKubelet({ nodeName: 'node-1', tls, runtime, config, clock, emit });
    network.register(node.ip, node.kubeletPort, kubelet.address);
    ends.push(() => kubelet.close());
  }

  it('with 401 when it trusts another CA, and with 403 when it allows nothing', async () => {
    const lab = await start();
    const { certPem: clientCa } = await createAuthority();
    await replaceKubelet(lab, { clientCa });
    expect((await askApi(lab, log)).status).toBe(401);
    expect(causesOf(lab)).toEqual(['kubelet-unauthorized']);
    const access = { authorizer: { authorize: async () => false } };
    await replaceKubelet(lab, { config: { access } });
    expect((await askApi(lab, log)).status).toBe(403);
    expect(causesOf(lab)).toEqual(['kubelet-forbidden']);
  });

  it('by a serving certificate of another CA: the tunnel is healthy, and the API server says it', async () => {
    const lab = await start();
    const authority = await createAuthority();
    const { certPem: cert, keyPem: key } = await authority.issue({
      commonName: 'system:node:node-1',
      ipAddresses: [node.ip],
      usages: ['server'],
    });
    const server = createTlsServer({ cert, key }).on('tlsClientError', () => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ends.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    lab['insides'].context.network.register(node.ip, node.kubeletPort, { host: '127.0.0.1', port });
    expect((await askApi(lab, log)).status).toBe(500);
    const told = lab.explain();
    expect(told).toMatchObject({ saidBy: 'apiserver/main', code: 'TLS_REJECTED' });
    expect(told.line).toContain('x509: certificate signed by unknown authority');
    expect(told.causes.map(({ cause }) => cause)).toEqual(['kubelet-tls']);
  });
});

describe('the API server’s own failures are explained', () => {
  it('by an object that it does not have', async () => {
    const lab = await start();
    expect((await askApi(lab, '/api/v1/namespaces/default/pods/nosuch')).status).toBe(404);
    expect(lab.explain()).toMatchObject({ saidBy: 'apiserver/main', causes: [{ cause: 'api-refused' }] });
  });

  const hooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const maps = '/api/v1/namespaces/default/configmaps';

  async function configure(lab: Lab, clientConfig: object, failurePolicy: string): Promise<void> {
    const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
    const name = 'a.hook.example';
    const webhook = { name, admissionReviewVersions: ['v1'], sideEffects: 'None', rules: [rule] };
    await askApi(lab, `${hooks}/mine`, { method: 'DELETE' });
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'mine' },
      webhooks: [{ ...webhook, clientConfig, failurePolicy }],
    };
    expect(await askApi(lab, hooks, { method: 'POST', body })).toMatchObject({ status: 201 });
  }

  async function write(lab: Lab, name: string): Promise<number> {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
    return (await askApi(lab, maps, { method: 'POST', body })).status;
  }

  it('by a webhook: a Service behind a dead tunnel, a URL that refuses, one that may be ignored', async () => {
    const lab = await start();
    const endpoints = '/api/v1/namespaces/default/endpoints/web';
    await eventually(async () => expect((await askApi(lab, endpoints)).text).toContain('"ip"'));
    const since = lab.mark();
    await lab.part('agent/node-1').kill();
    await lab.waitFor({ kind: 'backend.disconnected' }, { since, withinMs });
    const service = { service: { name: 'web', namespace: 'default', port: 80 } };
    await configure(lab, service, 'Fail');
    expect(await write(lab, 'one')).toBe(500);
    expect(lab.explain()).toMatchObject({ saidBy: 'server/server-1', code: 'NO_AGENT' });
    expect(causesOf(lab)).toEqual(['webhook-service', 'agent-dead']);
    await configure(lab, { url: 'https://127.0.0.1:1/' }, 'Fail');
    expect(await write(lab, 'two')).toBe(500);
    expect(causesOf(lab)).toEqual(['webhook-url']);
    await configure(lab, service, 'Ignore');
    expect(await write(lab, 'three')).toBe(201);
    expect(lab.explain()).toMatchObject({ outcome: 'finished', line: '' });
    expect(causesOf(lab)).toEqual(['webhook-ignored', 'agent-dead']);
  });

  it('not when nothing failed, or the name is unknown', async () => {
    const lab = await start();
    expect(() => lab.explain()).toThrow(expect.objectContaining({ code: 'REQUEST_NOT_FOUND' }));
    const { request } = await lab.exec('web-1', ['true']);
    expect(lab.explain(request)).toMatchObject({ outcome: 'finished', causes: [], missing: [] });
    expect(() => lab.explain('exec-9')).toThrow(/the last ones are .*exec-1/);
  });
});
