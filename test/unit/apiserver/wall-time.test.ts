import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { send } from './send-body.js';

/** The wall clock of the machine; the tests make it jump. */
let wallMs = Date.UTC(2026, 0, 1);
const hour = 3_600_000;
let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials(), { now: () => wallMs });
});
afterAll(() => test.close());

async function newToken(): Promise<{ token: string; expires: string }> {
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const { status } = (await send(test, 'POST', path, { spec: { expirationSeconds: 3600 } })).json<{
    status: { token: string; expirationTimestamp: string };
  }>();
  return { token: status.token, expires: status.expirationTimestamp };
}

const ask = (token: string): Promise<Answer> =>
  send(
    test,
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    {},
    {
      credential: 'none',
      headers: { authorization: `Bearer ${token}` },
    },
  );
const review = async (token: string): Promise<unknown> =>
  (await send(test, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })).json()[
    'status'
  ];

it('a token expires during a suspend, and a new one is valid after it', async () => {
  const before = await newToken();
  expect([(await ask(before.token)).status, before.expires]).toEqual([201, '2026-01-01T01:00:00Z']);
  wallMs += 8 * hour;
  expect((await ask(before.token)).status).toBe(401);
  expect(await review(before.token)).toMatchObject({
    error: '[invalid bearer token, service account token has expired]',
  });
  const after = await newToken();
  expect([(await ask(after.token)).status, after.expires]).toEqual([201, '2026-01-01T09:00:00Z']);
});

it('a token is not valid yet when the clock is set back, and objects have their creation time', async () => {
  const early = await newToken();
  wallMs -= 2 * hour;
  expect(await review(early.token)).toMatchObject({
    error: '[invalid bearer token, service account token is not valid yet]',
  });
  wallMs += 30 * hour;
  const made = await send(test, 'POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'a' } });
  expect(made.json()['metadata']).toMatchObject({
    creationTimestamp: new Date(wallMs).toISOString().replace('.000Z', 'Z'),
  });
});
