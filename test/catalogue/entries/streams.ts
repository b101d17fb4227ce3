import { WebSocket } from 'ws';
import { pause } from '../../../src/core/pause.js';
import type { Lab } from '../../../src/index.js';
import { createAuthority } from '../../../src/pki/authority.js';
import { type HttpProxy, startHttpProxy } from '../../support/http-proxy.js';
import { once } from '../../support/waits.js';
import { startWebhookTarget } from '../../support/webhook-target.js';
import type { Entry } from '../entry.js';
import { asked, kubectl } from '../provoke.js';

const v5 = 'v5.channel.k8s.io';
/** The protocol that the client of a lab speaks. */
const protocols = new WeakMap<Lab, string>();

/** Pipes a line into `cat`, and waits for its end for 5 s of lab time. */
async function pipeIntoCat(lab: Lab): Promise<string> {
  const protocol = protocols.get(lab) ?? v5;
  const { ca, leaves } = lab.certificates;
  const path = '/api/v1/namespaces/default/pods/web-1/exec?command=cat&stdin=1&stdout=1';
  const tls = { ca: ca.certPem, cert: leaves.admin.certPem, key: leaves.admin.keyPem };
  const socket = new WebSocket(lab.apiServerUrl.replace(/^https/, 'wss') + path, [protocol], tls);
  let output = '';
  socket.on('error', () => undefined);
  socket.on('message', (message: Buffer) => {
    if (message[0] === 1) output += message.subarray(1).toString();
  });
  await once(socket, 'open');
  const closed = once(socket, 'close').then(() => 'cat has ended');
  socket.send('\0the last line');
  // v4 has no message for the end of an input.
  if (protocol === v5) socket.send(Uint8Array.of(255, 0));
  const waits = pause(lab['insides'].context.clock, 5000).then(() => 'cat still waits for more after 5 s');
  const end = await Promise.race([closed, waits]);
  socket.terminate();
  return `${output}: ${end}`;
}

const hookPort = 9443;
const metadata = { name: 'hook', namespace: 'default' };

/** A webhook for config maps, behind a Service whose endpoint is a process on the node. */
async function startHook(lab: Lab): Promise<() => unknown> {
  const authority = await createAuthority();
  const leaf = { commonName: 'hook', dnsNames: ['hook.default.svc'], usages: ['server'] } as const;
  const target = await startWebhookTarget(await authority.issue(leaf));
  const ip = lab.nodes[0]?.ip ?? '';
  lab['insides'].context.network.register(ip, hookPort, { host: '127.0.0.1', port: target.port });
  const core = '/api/v1/namespaces/default';
  const post = (path: string, body: object): Promise<string> => asked(lab, path, { method: 'POST', body });
  await post(`${core}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { ports: [{ port: 443 }] },
  });
  const subsets = [{ addresses: [{ ip }], ports: [{ port: hookPort }] }];
  await post(`${core}/endpoints`, { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets });
  const caBundle = Buffer.from(authority.certPem).toString('base64');
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }];
  const clientConfig = { service: { ...metadata, path: '/check' }, caBundle };
  const own = { name: 'v.hook.example', admissionReviewVersions: ['v1'], sideEffects: 'None' };
  await post('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'hook' },
    webhooks: [{ ...own, rules, clientConfig }],
  });
  return () => target.close();
}

const proxies = new WeakMap<Lab, HttpProxy>();

async function startProxy(lab: Lab): Promise<() => unknown> {
  const { ca, leaves } = lab.certificates;
  const tls = { ca: ca.certPem, cert: leaves.admin.certPem, key: leaves.admin.keyPem };
  const proxy = await startHttpProxy(lab.apiServerUrl, tls);
  proxies.set(lab, proxy);
  return () => proxy.close();
}

export const streamFaults: readonly Entry[] = [
  {
    id: 'K9',
    title: 'The end of an input is not told',
    inject: {
      text: 'a client that speaks `v4.channel.k8s.io` over WebSocket, which has no message for it',
      run: async (lab) => {
        protocols.set(lab, 'v4.channel.k8s.io');
        return () => protocols.delete(lab);
      },
    },
    provoke: pipeIntoCat,
    asks: '`echo the last line | kubectl exec -i web-1 -- cat`',
    works: 'the last line: cat has ended',
    says: 'the last line: cat still waits for more after 5 s',
    journal: { kind: 'request.started', node: 'kubelet/node-1', protocol: 'websocket-v4' },
    heals: 'A client that speaks v5 tells the end.',
  },
  {
    id: 'K11',
    title: 'A webhook does not answer',
    prepare: startHook,
    inject: { on: { from: 'agent/*', to: 'endpoint/*' }, do: 'drop' },
    provoke: (lab) => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `map-${lab.mark()}` } };
      return asked(lab, '/api/v1/namespaces/default/configmaps', { method: 'POST', body });
    },
    asks: '`kubectl create configmap`',
    works: '"kind":"ConfigMap"',
    says: 'failed calling webhook "v.hook.example": failed to call webhook: Post "https://hook.default.svc:443/check?timeout=10s": context deadline exceeded',
    journal: { kind: 'webhook.failed', egress: 'cluster', policy: 'Fail' },
  },
  {
    id: 'K13',
    title: 'A proxy passes no upgrades to SPDY or WebSocket',
    prepare: startProxy,
    inject: {
      text: 'a proxy of HTTP before the API server, which drops the header `Upgrade`',
      run: async (lab) => {
        const proxy = proxies.get(lab);
        if (proxy === undefined) throw new Error('no proxy');
        proxy.passesUpgrades = false;
        return () => {
          proxy.passesUpgrades = true;
        };
      },
    },
    provoke: (lab) =>
      kubectl('--server', proxies.get(lab)?.url ?? '', 'exec', 'web-1', '--', 'hostname')(lab),
    needsKubectl: true,
    asks: '`kubectl exec web-1 -- hostname`',
    says: 'Upgrade request required',
    journal: { kind: 'request.failed', verb: 'exec', protocol: 'http', status: 400 },
  },
];
