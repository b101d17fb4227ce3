import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { deferred } from '../../support/deferred.js';
import { once } from '../../support/waits.js';
import { type Credentials, type TestApi } from './fixture.js';
import { send } from './send-body.js';

/** The `request` of an AdmissionReview. */
export interface Asked {
  readonly uid: string;
  readonly operation: string;
  readonly name: string;
  readonly namespace?: string;
  readonly dryRun: boolean;
  readonly object: { readonly metadata: { readonly labels?: Record<string, string> } } | null;
  readonly [key: string]: unknown;
}

/** One call as the webhook received it. */
export interface Seen {
  readonly url: string;
  readonly request: Asked;
}

export interface WebhookServer {
  readonly port: number;
  readonly seen: Seen[];
  /** How many calls are being answered now. */
  readonly most: () => number;
  close(): Promise<void>;
}

export type Answer = (asked: Asked, url: string) => object | 'silence' | Promise<object>;

/** The host names of webhooks in these tests; certificates have both. */
export const serviceName = 'hook.default.svc';

export function makeServing({ ca }: Credentials): Promise<KeyPair> {
  return ca.issue({ commonName: serviceName, dnsNames: [serviceName], usages: ['server'] });
}

/** A webhook over real TLS. `answer` gives the `response` of the review, or a body under `raw`, with `code` and `headers`. */
export async function startWebhook(pair: KeyPair, answer: Answer): Promise<WebhookServer> {
  const seen: Seen[] = [];
  let open = 0;
  let most = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    most = Math.max(most, ++open);
    const review = JSON.parse((await request.toArray()).join('')) as { request: Asked };
    seen.push({ url: request.url ?? '', request: review.request });
    const given = await answer(review.request, request.url ?? '');
    open--;
    if (given === 'silence') return;
    if ('raw' in given) {
      const headers = 'headers' in given ? (given.headers as OutgoingHttpHeaders) : {};
      response.writeHead('code' in given ? Number(given.code) : 200, headers).end(given.raw);
      return;
    }
    const body = { uid: review.request.uid, ...given };
    response.end(
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: body }),
    );
  };
  const server = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
    void serve(request, response);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    const { promise, resolve } = deferred<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  };
  return { port: (server.address() as AddressInfo).port, seen, most: () => most, close };
}

export function caBundle({ ca }: Pick<Credentials, 'ca'>): string {
  return Buffer.from(ca.certPem).toString('base64');
}

export interface Hook {
  readonly name: string;
  readonly clientConfig: object;
  readonly [field: string]: unknown;
}

/** Stores a configuration of one or more webhooks; each is called for new pods unless its fields say otherwise. */
export async function configure(
  test: TestApi,
  kind: 'Mutating' | 'Validating',
  ...[name, ...hooks]: [name: string, ...hooks: Hook[]]
): Promise<void> {
  const plural = `${kind.toLowerCase()}webhookconfigurations`;
  const webhooks = hooks.map((hook) => ({
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    ...hook,
  }));
  const answer = await send(test, 'POST', `/apis/admissionregistration.k8s.io/v1/${plural}`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks,
  });
  if (answer.status !== 201) throw new Error(answer.text);
}

export function podOf(name: string, labels: Record<string, string> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { containers: [{ name: 'main', image: 'konnsim/web' }] },
  };
}

export const podsPath = '/api/v1/namespaces/default/pods';

/** JSON patch as webhooks send it. */
export function patchOf(...operations: object[]): object {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch };
}

export function setLabel(key: string, value: string): object {
  return { op: 'add', path: `/metadata/labels/${key}`, value };
}
