import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/index.js';
import { createAuthority } from '../../src/pki/authority.js';
import { webhookYaml } from '../../src/scenario/sample-webhook.js';
import { createKubectl, findKubectls, type Kubectl } from '../support/kubectl.js';
import { once, waitMs } from '../support/waits.js';

const newest = findKubectls().at(-1);

/** A pod behind the tunnel that decides about other pods, and writes without the tunnel. */
describe.skipIf(newest === undefined)('admission webhooks through the tunnel', () => {
  let lab: Lab;
  let kubectl: Kubectl;
  beforeAll(async () => {
    if (newest === undefined) return;
    lab = await startLab({ nodes: 1 });
    kubectl = await createKubectl(newest, lab.kubeconfig);
    await output(['apply', '-f', '-'], await webhookYaml());
    await output(['wait', 'deploy/webhook', '--for=condition=Available', '--timeout=25s']);
    await output(['label', 'namespace', 'default', 'konnsim/webhook=on']);
  });
  afterAll(async () => {
    await kubectl?.close();
    await lab?.stop();
  });
  afterEach(async () => {
    const agent = lab.part('agent/node-1');
    if (agent.running) return;
    const since = lab.mark();
    await agent.start();
    await lab.waitFor({ kind: 'backend.connected', peer: 'agent/node-1' }, { since, withinMs: waitMs });
  });

  async function output(args: readonly string[], stdin = ''): Promise<string> {
    const result = await kubectl.run(args, { stdin });
    expect(result, args.join(' ')).toMatchObject({ code: 0 });
    return result.stdout;
  }

  async function failure(args: readonly string[]): Promise<string> {
    const result = await kubectl.run(args);
    expect(result.code, args.join(' ')).toBe(1);
    return result.stderr;
  }

  async function stopAgent(): Promise<void> {
    const since = lab.mark();
    await lab.part('agent/node-1').kill();
    await lab.waitFor({ kind: 'backend.disconnected', peer: 'agent/node-1' }, { since, withinMs: waitMs });
  }

  const patch = (kind: string, change: object): Promise<string> =>
    output(['patch', kind, 'konnsim', '--type=json', '-p', JSON.stringify([change])]);
  const setPolicy = async (value: string): Promise<void> => {
    const change = { op: 'replace', path: '/webhooks/0/failurePolicy', value };
    await patch('mutatingwebhookconfiguration', change);
    await patch('validatingwebhookconfiguration', change);
  };

  it('mark a pod, and warn', async () => {
    const { code, stderr } = await kubectl.run(['run', 'marked', '--image=konnsim/web']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Warning: konnsim/webhook has added the label konnsim/admitted\n',
    });
    expect(await output(['get', 'pod', 'marked', '-o', 'jsonpath={.metadata.labels}'])).toContain(
      '"konnsim/admitted":"true"',
    );
    expect(await output(['logs', 'deploy/webhook'])).toContain('/mutate CREATE default/marked: marked');
  });

  it('deny a pod', async () => {
    expect(await failure(['run', 'denied', '--image=konnsim/web', '--labels=konnsim/deny=true'])).toBe(
      'Error from server (Forbidden): admission webhook "deny.konnsim.example" denied the request: pods labelled konnsim/deny=true are not wanted here\n',
    );
    expect(await failure(['get', 'pod', 'denied'])).toContain('"denied" not found');
  });

  it('are called over kept connections, which end with their pod', async () => {
    const target = { kind: 'dial.started', node: 'apiserver/main', address: /:8443$/ } as const;
    await output(['run', 'first', '--image=konnsim/web']);
    let since = lab.mark();
    await output(['run', 'second', '--image=konnsim/web']);
    for (const hook of ['mutate', 'validate'])
      await lab.waitFor({ kind: 'connection.reused', text: new RegExp(`/${hook}$`) }, { since });
    since = lab.mark();
    await output(['delete', 'pod', '-l', 'app=webhook']);
    await lab.waitFor({ ...target, kind: 'connection.closed' }, { since, withinMs: waitMs });
    await output(['wait', 'deploy/webhook', '--for=condition=Available', '--timeout=25s']);
    since = lab.mark();
    await output(['run', 'third', '--image=konnsim/web']);
    await lab.waitFor(target, { since });
  });

  it('stop writes while no agent reaches them, unless their policy is Ignore', async () => {
    await stopAgent();
    expect(await failure(['run', 'stopped', '--image=konnsim/web'])).toBe(
      'Error from server (InternalError): Internal error occurred: failed calling webhook "mark.konnsim.example": failed to call webhook: Post "https://webhook.default.svc:443/mutate?timeout=5s": No agent available\n',
    );
    await setPolicy('Ignore');
    expect(await output(['run', 'stopped', '--image=konnsim/web'])).toBe('pod/stopped created\n');
    await setPolicy('Fail');
  });

  it('are not called for writes that their conditions exclude, and need conditions that compile', async () => {
    const condition = (expression: string): object => ({
      op: 'add',
      path: '/webhooks/0/matchConditions',
      value: [{ name: 'not-in-need', expression }],
    });
    const bad = JSON.stringify([condition('object.metadata.name == zap')]);
    const name = 'mutatingwebhookconfiguration';
    expect(await failure(['patch', name, 'konnsim', '--type=json', '-p', bad])).toBe(
      'The MutatingWebhookConfiguration "konnsim" is invalid: webhooks[0].matchConditions[0].expression: Invalid value: "object.metadata.name == zap": ' +
        "compilation failed: ERROR: <input>:1:25: undeclared reference to 'zap' (in container '')\n | object.metadata.name == zap\n | ........................^\n",
    );
    const good = condition('object.metadata.?labels.?need.orValue("") != "high"');
    for (const kind of [name, 'validatingwebhookconfiguration']) await patch(kind, good);
    await stopAgent();
    expect(await output(['run', 'needed', '--image=konnsim/web', '--labels=need=high'])).toBe(
      'pod/needed created\n',
    );
    expect(await failure(['run', 'other', '--image=konnsim/web'])).toContain('No agent available');
    for (const kind of [name, 'validatingwebhookconfiguration'])
      await patch(kind, { op: 'remove', path: '/webhooks/0/matchConditions' });
  });

  it('stop writes after their timeout when the tunnel does not answer', async () => {
    const timeout = { op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 1 };
    await patch('mutatingwebhookconfiguration', timeout);
    const ip = await output(['get', 'pod', '-l', 'app=webhook', '-o', 'jsonpath={.items[0].status.podIP}']);
    const { network } = lab['insides'].context;
    network.register(ip, 8443, 'silence');
    const startedAt = performance.now();
    expect(await failure(['run', 'silent', '--image=konnsim/web'])).toBe(
      'Error from server (InternalError): Internal error occurred: failed calling webhook "mark.konnsim.example": failed to call webhook: Post "https://webhook.default.svc:443/mutate?timeout=1s": context deadline exceeded\n',
    );
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(990);
    expect(tookMs).toBeLessThan(5000);
    network.unregister(ip, 8443);
    await lab.settled();
  });

  it('given by a URL do not need the tunnel', async () => {
    const hook = await urlHook();
    try {
      await output(['apply', '-f', '-'], hook.yaml);
      await stopAgent();
      expect(await failure(['create', 'configmap', 'no'])).toBe(
        'error: failed to create configmap: admission webhook "url.konnsim.example" denied the request: seen no\n',
      );
      await output(['delete', 'validatingwebhookconfiguration', 'by-url']);
    } finally {
      await hook.close();
    }
  });

  it('report that their service has no endpoints', async () => {
    await output(['scale', 'deploy/webhook', '--replicas=0']);
    await expect.poll(() => output(['get', 'endpoints', 'webhook', '-o', 'jsonpath={.subsets}'])).toBe('');
    expect(await failure(['run', 'alone', '--image=konnsim/web'])).toContain(
      'no endpoints available for service "webhook"',
    );
    await output(['delete', 'service', 'webhook']);
    expect(await failure(['run', 'alone', '--image=konnsim/web'])).toContain('service "webhook" not found');
  });
});

/** A webhook next to the control plane that refuses all config maps. */
async function urlHook(): Promise<{ readonly yaml: string; readonly close: () => Promise<void> }> {
  const authority = await createAuthority();
  const { certPem: cert, keyPem: key } = await authority.issue({ commonName: 'hook', usages: ['server'] });
  const server: Server = createServer({ cert, key }, (request, response) => {
    void request.toArray().then((chunks) => {
      const { uid, name } = (JSON.parse(chunks.join('')) as { request: { uid: string; name: string } })
        .request;
      const answer = { uid, allowed: false, status: { message: `seen ${name}` } };
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const yaml = JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'by-url' },
    webhooks: [
      {
        name: 'url.konnsim.example',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        clientConfig: { url, caBundle: Buffer.from(authority.certPem).toString('base64') },
      },
    ],
  });
  return {
    yaml,
    close: async () => {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}
