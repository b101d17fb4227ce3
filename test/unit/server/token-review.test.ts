import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../../../src/kube/kube-client.js';
import { TokenAuthenticator } from '../../../src/server/token-review.js';
import { CountingClock } from '../../support/counting-clock.js';
import { KubeApiServer, refuse } from '../../support/kube-api-server.js';

let api: KubeApiServer;
let kube: KubeClient;
let judge: TokenAuthenticator;

beforeEach(async () => {
  api = await KubeApiServer.start();
  const access = { server: new URL(api.url), tls: () => ({}), headers: () => ({}) };
  kube = new KubeClient({ access, clock: new CountingClock() });
  judge = new TokenAuthenticator({ client: kube, namespace: 'ns', serviceAccount: 'sa', audience: 'aud' });
});
afterEach(async () => {
  await kube.close();
  await api.close();
});

function faultOf(...values: string[]): Promise<string | undefined> {
  return judge.fault(values, new AbortController().signal);
}

describe('an agent’s token', () => {
  it('is sent to the API with the audience, and the expected account may connect', async () => {
    api.tokens.set('good', { username: 'system:serviceaccount:ns:sa', audiences: ['aud', 'other'] });
    expect(await faultOf('Bearer good')).toBeUndefined();
    expect(api.seen[0]).toMatchObject({
      method: 'POST',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token: 'good', audiences: ['aud'] },
      },
    });
    expect(api.seen[0]?.url.pathname).toBe('/apis/authentication.k8s.io/v1/tokenreviews');
  });

  it.each([
    [[], 'Authentication context was not found in metadata'],
    [['Bearer a', 'Bearer b'], 'too many (2) tokens are received'],
    [['Basic abc'], 'received token does not have "Bearer " prefix'],
    [['bearer a'], 'received token does not have "Bearer " prefix'],
  ])('%o is refused without asking the API', async (values, text) => {
    expect(await faultOf(...values)).toBe(text);
    expect(api.seen).toEqual([]);
  });

  it.each([
    [{ error: 'token has expired' }, 'token has expired'],
    [{ username: 'system:serviceaccount:ns:sa', audiences: ['x'] }, 'service account jwt not valid'],
    [{ username: 'jane' }, 'unexpected username format'],
    [{ username: 'system:node:ns:sa' }, 'username returned is not a service account'],
    [
      { username: 'system:serviceaccount:other:sa' },
      'incoming request from "other" namespace. Expected "ns"',
    ],
    [
      { username: 'system:serviceaccount:ns:default' },
      'incoming request from "default" service account. Expected "sa"',
    ],
  ])('of %o is refused in Konnectivity’s words', async (answer, text) => {
    api.tokens.set('token', answer);
    const fault = `Failed to validate authentication token, err:lookup failed: ${text}`;
    expect(await faultOf('Bearer token')).toBe(fault);
  });

  it('is refused when the API refuses or does not answer', async () => {
    const start = 'Failed to validate authentication token, err:Failed to authenticate request. err:';
    api.intercept = (_seen, response) => {
      refuse(response, 403, 'Forbidden', 'tokenreviews.authentication.k8s.io is forbidden');
      return true;
    };
    expect(await faultOf('Bearer a')).toBe(`${start}tokenreviews.authentication.k8s.io is forbidden`);
    const { url } = api;
    await api.close();
    expect(await faultOf('Bearer a')).toMatch(
      `${start}Post "${url}/apis/authentication.k8s.io/v1/tokenreviews"`,
    );
    api = await KubeApiServer.start();
  });
});
