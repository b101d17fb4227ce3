import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import type { Lab } from '../lab/lab.js';
import { createAuthority } from '../pki/authority.js';
import { callApi } from './api.js';
import { failed } from './failed.js';
import { webhookYaml } from './sample-webhook.js';

export interface WebhookChoice {
  /** `service`: in a pod, called through the tunnel. `url`: outside of the cluster, called directly. */
  readonly at: 'service' | 'url';
  /** What happens when it cannot be called. */
  readonly policy: 'Fail' | 'Ignore';
}

interface Configuration {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
  readonly webhooks?: readonly object[];
}

const plurals: Readonly<Record<string, string>> = {
  Deployment: 'namespaces/default/deployments',
  Service: 'namespaces/default/services',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
};

/** Adds an admission webhook for new pods, and waits until it runs. Returns how to end what is outside of the lab. */
export async function addWebhook(lab: Lab, { at, policy }: WebhookChoice): Promise<() => void> {
  const labelled = { metadata: { labels: { 'konnsim/webhook': 'on' } } };
  await callApi(lab, { method: 'PATCH', path: '/api/v1/namespaces/default', body: labelled });
  if (at === 'url') return addOutside(lab, policy);
  for (const object of loadAll(await webhookYaml(), { schema: CORE_SCHEMA }) as Configuration[]) {
    const { webhooks } = object;
    const own = webhooks?.map((webhook) => ({ ...webhook, failurePolicy: policy }));
    await create(lab, own === undefined ? object : { ...object, webhooks: own });
  }
  await running(lab);
  return () => undefined;
}

async function create(lab: Lab, object: Configuration): Promise<void> {
  const root = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const path = `${root}/${plurals[object.kind] ?? ''}`;
  await callApi(lab, { method: 'POST', path, body: object });
}

/** Until the pod of the sample webhook is ready. */
async function running(lab: Lab): Promise<void> {
  const path = '/api/v1/namespaces/default/pods';
  const endMs = performance.now() + readyWithinMs;
  while (performance.now() < endMs) {
    const { items = [] } = JSON.parse(await callApi(lab, { method: 'GET', path })) as {
      items?: { metadata: { labels?: Record<string, string> }; status?: { phase?: string } }[];
    };
    if (
      items.some(
        ({ metadata, status }) => metadata.labels?.['app'] === 'webhook' && status?.phase === 'Running',
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
  throw failed('the pod of the webhook did not run');
}

/** Real time, ms. */
const readyWithinMs = 20_000;
const lookAgainMs = 20;

/** The answer to a review. Undefined for what is none. */
function allowAll(body: string): string | undefined {
  try {
    const { request, ...review } = JSON.parse(body) as { request: { uid: string } };
    return JSON.stringify({ ...review, response: { uid: request.uid, allowed: true } });
  } catch {
    return undefined;
  }
}

/** A server in this process that allows all, and its configuration. */
async function addOutside(lab: Lab, policy: WebhookChoice['policy']): Promise<() => void> {
  const authority = await createAuthority({ commonName: 'konnsim-webhook-ca' });
  const pair = await authority.issue({
    commonName: 'outside',
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  });
  const server = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const answer = allowAll(String(Buffer.concat(parts)));
      response.statusCode = answer === undefined ? 400 : 200;
      response.setHeader('content-type', 'application/json').end(answer);
    });
  });
  server.on('error', () => undefined);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await create(lab, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'outside' },
    webhooks: [
      {
        name: 'outside.konnsim.example',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        timeoutSeconds: 5,
        failurePolicy: policy,
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        namespaceSelector: { matchLabels: { 'konnsim/webhook': 'on' } },
        clientConfig: {
          url: `https://127.0.0.1:${port}/validate`,
          caBundle: Buffer.from(authority.certPem).toString('base64'),
        },
      },
    ],
  });
  return () => {
    server.closeAllConnections();
    server.close();
  };
}
