import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postJson } from '../../../src/apiserver/admission/post-json.js';
import { WebhookConnections } from '../../../src/apiserver/admission/webhook-connections.js';
import { type Clock, createRealClock, ManualClock } from '../../../src/core/clock.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import type { Dialer } from '../../../src/wire/client/dialer.js';
import { currentHandles, expectNoNewHandles } from '../../support/handles.js';
import { eventually, within } from '../../support/waits.js';
import { startWebhookTarget, type WebhookTarget } from '../../support/webhook-target.js';
import { caBundle, configure, makeServing, podOf, podsPath, serviceName } from './admission-fixture.js';
import { type Credentials, loopbackDialer, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { jsonPatch, send } from './send-body.js';

let credentials: Credentials;
let serving: KeyPair;
const cleanup: (() => Promise<void>)[] = [];
beforeAll(async () => {
  credentials = await makeCredentials();
  serving = await makeServing(credentials);
});
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

/** The façade's ends of the connections to the webhook. */
const dialled: Socket[] = [];
const dialer: Dialer = {
  dial: async (...target) => {
    const socket = (await loopbackDialer.dial(...target)) as Socket;
    dialled.push(socket);
    return socket;
  },
};

let test: TestApi;
let hook: WebhookTarget;
async function start(clock: Clock = createRealClock()): Promise<void> {
  test = await startTestApi(credentials, { dialer, clock });
  cleanup.push(() => test.close());
  hook = await startWebhookTarget(serving);
  cleanup.push(() => hook.close());
  dialled.length = 0;
  const namespace = '/api/v1/namespaces/default';
  await send(test, 'POST', `${namespace}/services`, {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook' } },
    spec: { ports: [{ port: 443 }] },
  });
  await send(test, 'POST', `${namespace}/endpoints`, {
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'hook' } },
    subsets: [{ addresses: [{ ip: '10.244.1.10' }], ports: [{ port: hook.port }] }],
  });
}

const byService = (bundle = caBundle(credentials)): object => ({
  ...{ caBundle: bundle, service: { name: 'hook', namespace: 'default', path: '/check' } },
});

const validate = (clientConfig = byService(), timeoutSeconds = 10): Promise<void> =>
  configure(test, 'Validating', 'v', { name: 'v.hook.example', clientConfig, timeoutSeconds });

let pods = 0;
/** Creates a pod, and returns why it could not. */
async function apply(): Promise<string> {
  const answer = await send(test, 'POST', podsPath, podOf(`pod-${++pods}`));
  return answer.status === 201 ? 'created' : String(answer.json()['message']);
}

/** Waits until the façade has noticed that a connection is over. */
const gone = (connection: Socket | undefined): Promise<unknown> =>
  eventually(() => expect(connection?.closed).toBe(true));

const posted =
  'Internal error occurred: failed calling webhook "v.hook.example": failed to call webhook: Post "https://hook.default.svc:443/check?timeout=10s": ';

describe('a connection to a webhook', () => {
  beforeEach(() => start());

  it('carries the next call, too, and the journal says so', async () => {
    await validate();
    expect([await apply(), await apply(), await apply()]).toEqual(['created', 'created', 'created']);
    expect(dialled.length).toBe(1);
    expect(hook.calls).toBe(3);
    const creates = test.events.filter(
      ({ kind, request }) => kind === 'request.started' && request !== undefined,
    );
    const [first, second, third] = creates.slice(-3).map(({ request }) => request);
    const text = `uses the connection of ${first} to https://hook.default.svc:443/check`;
    expect(test.events.filter(({ kind }) => kind === 'connection.reused')).toEqual(
      [second, third].map((request) => ({
        ...{ kind: 'connection.reused', node: 'apiserver/apiserver', request, text },
      })),
    );
  });

  it('is dialled anew when the webhook has closed the kept one', async () => {
    await validate();
    expect(await apply()).toBe('created');
    hook.server.closeIdleConnections();
    await gone(dialled[0]);
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(2);
  });

  it('is dialled anew when the kept one was reset', async () => {
    await validate();
    expect(await apply()).toBe('created');
    hook.sockets[0]?.resetAndDestroy();
    await gone(dialled[0]);
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(2);
  });

  it('is not kept after an answer with "Connection: close"', async () => {
    await validate();
    hook.deed = 'close header';
    expect([await apply(), await apply()]).toEqual(['created', 'created']);
    expect(dialled.length).toBe(2);
  });

  it('fails the call with EOF when it ends meanwhile, and the call is not repeated', async () => {
    await validate();
    expect(await apply()).toBe('created');
    hook.deed = 'end';
    expect(await apply()).toBe(`${posted}EOF`);
    expect(hook.calls).toBe(2);
    hook.deed = 'answer';
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(2);
  });

  it('fails the call with both its ends when it is reset meanwhile', async () => {
    await validate();
    expect(await apply()).toBe('created');
    const ends = `127.0.0.1:${dialled[0]?.localPort}->127.0.0.1:${hook.port}`;
    hook.deed = 'reset';
    expect(await apply()).toBe(`${posted}read tcp ${ends}: read: connection reset by peer`);
    expect(hook.calls).toBe(2);
  });

  it('is thrown away with the call that timed out, and the next call dials', async () => {
    await validate(byService(), 1);
    expect(await apply()).toBe('created');
    hook.deed = 'silence';
    expect(await apply()).toBe(`${posted.replace('10s', '1s')}context deadline exceeded`);
    await gone(dialled[0]);
    hook.deed = 'answer';
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(2);
  });

  it('is of one client configuration: another CA needs another connection', async () => {
    await validate();
    expect(await apply()).toBe('created');
    const other = await makeCredentials();
    const change = (bundle: string): object => [
      { op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: bundle },
    ];
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v';
    await send(test, 'PATCH', path, change(caBundle(other)), jsonPatch);
    expect(await apply()).toContain('x509: certificate signed by unknown authority');
    expect(dialled.length).toBe(2);
    await send(test, 'PATCH', path, change(caBundle(credentials)), jsonPatch);
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(2);
  });

  it('is not shared between mutating and validating webhooks', async () => {
    await validate();
    await configure(test, 'Mutating', 'm', { name: 'm.hook.example', clientConfig: byService() });
    expect([await apply(), await apply()]).toEqual(['created', 'created']);
    expect(dialled.length).toBe(2);
  });

  it('is one of 25 that are kept', async () => {
    const hooks = Array.from({ length: 26 }, (_, index) => ({
      ...{ name: `v${index}.hook.example`, clientConfig: byService() },
    }));
    await configure(test, 'Validating', 'v', ...hooks);
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(26);
    const open = (): number => dialled.filter(({ closed }) => !closed).length;
    await eventually(() => expect(open()).toBe(25));
    expect(await apply()).toBe('created');
    expect(dialled.length).toBe(27);
  });
});

it('an idle connection to a webhook is closed after 90 s', async () => {
  const manual = new ManualClock();
  await start(manual);
  await validate();
  expect(await apply()).toBe('created');
  manual.advance(89_000);
  expect(await apply()).toBe('created');
  manual.advance(89_999);
  expect(dialled[0]?.destroyed).toBe(false);
  manual.advance(1);
  await gone(dialled[0]);
  expect(await apply()).toBe('created');
  expect(dialled.length).toBe(2);
});

it('an API server that closes keeps no connection to a webhook', async () => {
  const before = currentHandles();
  await start();
  await validate();
  expect(await apply()).toBe('created');
  await test.close();
  await gone(dialled[0]);
  await within(hook.close(), 'end of the webhook');
  await expectNoNewHandles(before);
});

describe('the pool of connections', () => {
  const clock = createRealClock();
  let connections: WebhookConnections;
  const reused: string[] = [];
  beforeEach(async () => {
    await start();
    reused.length = 0;
    connections = new WebhookConnections(clock);
    cleanup.push(async () => connections.destroy());
  });

  const url = 'https://hook.default.svc:443/';
  const ask = (request: string): Promise<object> =>
    postJson({
      ...{ connections, pool: 'p', url, ca: credentials.ca.certPem },
      destination: {
        ...{ address: url, serverName: serviceName },
        dial: (options) => dialer.dial('', hook.port, options),
      },
      onReuse: (openedBy) => reused.push(openedBy),
      ...{ body: { request: { uid: 'u' } }, timeoutMs: 10_000, clock, request },
      signal: new AbortController().signal,
    });
  const idle = (): Duplex[] => Object.values(connections.freeSockets).flatMap((list) => list ?? []);

  it('can carry any number of calls', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): number => warnings.push(warning.message);
    process.on('warning', note);
    for (let call = 0; call < 30; call++) await ask(`call-${call}`);
    process.off('warning', note);
    expect(dialled.length).toBe(1);
    expect(warnings).toEqual([]);
    const [connection] = idle();
    expect(connection?.listenerCount('close')).toBeLessThan(10);
  });

  it('holds none that the webhook has closed', async () => {
    await ask('one');
    expect(idle()).toHaveLength(1);
    hook.server.closeIdleConnections();
    await eventually(() => expect(idle()).toHaveLength(0));
  });

  it('holds none on which the webhook has said more than its answers', async () => {
    let peer: Socket | undefined;
    hook.server.once('secureConnection', (socket: Socket) => {
      peer = socket;
    });
    await ask('one');
    peer?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    await eventually(() => expect(idle()).toHaveLength(0));
    await ask('two');
    expect(hook.calls).toBe(2);
  });

  it('dials when the first write on a kept one fails', async () => {
    await ask('one');
    hook.sockets[0]?.resetAndDestroy();
    await ask('two');
    expect(hook.calls).toBe(2);
    expect(dialled.length).toBe(2);
  });

  it('names the port in the Host header as its URL does', async () => {
    const host = new Promise((resolve) => {
      hook.server.once('request', ({ headers }: IncomingMessage) => resolve(headers.host));
    });
    await ask('one');
    expect(await host).toBe('hook.default.svc:443');
  });

  it('passes over one that ends before a call has written to it', async () => {
    await Promise.all([ask('one'), ask('two')]);
    const [kept, ended] = idle();
    ended?.destroy();
    await ask('three');
    expect(hook.calls).toBe(3);
    expect(dialled.length).toBe(2);
    expect(reused).toHaveLength(1);
    expect(idle()).toEqual([kept]);
  });
});
