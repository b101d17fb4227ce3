import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/waits.js';
import {
  caBundle,
  configure,
  podOf,
  podsPath,
  startWebhook,
  type WebhookServer,
} from './admission-fixture.js';
import {
  type Credentials,
  call,
  makeCredentials,
  requestOptions,
  startTestApi,
  type TestApi,
} from './fixture.js';
import { send } from './send-body.js';

let credentials: Credentials;
let test: TestApi;
let server: WebhookServer;
beforeAll(async () => {
  credentials = await makeCredentials();
  const serving = await credentials.ca.issue({ commonName: 'hook', usages: ['server'] });
  test = await startTestApi(credentials);
  server = await startWebhook(serving, () => 'silence');
  const clientConfig = { url: `https://127.0.0.1:${server.port}/`, caBundle: caBundle(credentials) };
  const hook = { name: 'a.hook.example', clientConfig, failurePolicy: 'Ignore' };
  await configure(test, 'Validating', 'a', hook);
});
afterAll(async () => {
  await test.close();
  await server.close();
});

const over = 'Timeout: request did not complete within requested timeout - context';

describe('a write that a webhook holds up', () => {
  it('ends with its client, and stores nothing even if the policy is Ignore', async () => {
    const body = JSON.stringify(podOf('left'));
    const headers = { 'content-type': 'application/json' };
    const request = httpsRequest(requestOptions(test, podsPath, { method: 'POST', body, headers }));
    request.on('error', () => undefined);
    request.end(body);
    await eventually(() => expect(server.seen).toHaveLength(1));
    request.destroy();
    const end = { kind: 'request.failed', status: 504, error: `${over} canceled` };
    await eventually(() => expect(test.events).toContainEqual(expect.objectContaining(end)));
    expect((await call(test, `${podsPath}/left`)).status).toBe(404);
    expect((await call(test, '/metrics')).text).not.toContain('fail_open_count{name="a.hook.example"');
  });

  it('has the time that its client gives it, and tells the webhook', async () => {
    const late = await send(test, 'POST', `${podsPath}?timeout=900ms`, podOf('late'));
    expect(late.json()).toMatchObject({
      ...{ code: 504, reason: 'Timeout', message: `${over} deadline exceeded` },
    });
    expect(server.seen.at(-1)?.url).toBe('/?timeout=1s');
    expect((await call(test, `${podsPath}/late`)).status).toBe(404);
  });

  it('is refused when that time is no duration', async () => {
    const { status, text } = await send(test, 'POST', `${podsPath}?timeout=2`, podOf('bad'));
    expect([status, text]).toEqual([
      400,
      expect.stringContaining('invalid timeout specified in the request URL'),
    ]);
  });
});
