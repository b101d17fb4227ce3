import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTokenKeys,
  signServiceAccountToken,
} from '../../../src/apiserver/auth/service-account-tokens.js';
import type { ApiObject } from '../../../src/apiserver/resources/api-object.js';
import { makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { mergePatch, send } from './send-body.js';

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const lease = (name: string, renewTime = '2024-05-01T10:00:00.000000Z') => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
  spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
});

const keys = createTokenKeys();
let test: TestApi;
beforeAll(async () => {
  test = await startTestApi(await makeCredentials(), {
    tokenKeys: keys,
    tokens: [{ token: 'sesame', user: 'bob', groups: ['dev'] }],
    objects: { others: [serviceAccount('builder')] },
  });
});
afterAll(() => test.close());

function serviceAccount(name: string): ApiObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: '2024-05-01T10:00:00Z' },
  };
}

describe('a lease', () => {
  it('is created, renewed with its resource version, read, and deleted', async () => {
    const created = await send(test, 'POST', leases, lease('node-1'));
    expect(created.status).toBe(201);
    const stored = created.json<ReturnType<typeof lease> & { metadata: Record<string, string> }>();
    expect(stored.metadata).toMatchObject({
      namespace: 'kube-node-lease',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const renewed = { ...stored, spec: { ...stored.spec, renewTime: '2024-05-01T10:00:10.000000Z' } };
    const answer = await send(test, 'PUT', `${leases}/node-1`, renewed);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({
      metadata: { uid: stored.metadata['uid'] },
      spec: { renewTime: '2024-05-01T10:00:10.000000Z' },
    });
    const late = await send(test, 'PUT', `${leases}/node-1`, renewed);
    expect(late.json()).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on leases.coordination.k8s.io "node-1": the object has been modified; please apply your changes to the latest version and try again',
    });
    const gone = await send(test, 'DELETE', `${leases}/node-1`);
    expect(gone.json()).toMatchObject({ status: 'Success', details: { uid: stored.metadata['uid'] } });
    expect((await send(test, 'GET', `${leases}/node-1`)).status).toBe(404);
  });

  it('is renewed by a merge patch without a resource version', async () => {
    await send(test, 'POST', leases, lease('node-2'));
    const body = { spec: { renewTime: '2024-05-01T10:00:20.000000Z' } };
    const answer = await send(test, 'PATCH', `${leases}/node-2`, body, mergePatch);
    expect(answer.json()).toMatchObject({ spec: { holderIdentity: 'node-2', ...body.spec } });
  });

  it('that exists cannot be created again', async () => {
    await send(test, 'POST', leases, lease('node-3'));
    expect((await send(test, 'POST', leases, lease('node-3'))).json()).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'leases.coordination.k8s.io "node-3" already exists',
      details: { name: 'node-3', group: 'coordination.k8s.io', kind: 'leases' },
    });
  });

  it('is created by a PUT, but never replaced without a resource version', async () => {
    expect((await send(test, 'PUT', `${leases}/node-4`, lease('node-4'))).status).toBe(201);
    expect((await send(test, 'PUT', `${leases}/node-4`, lease('node-4'))).json()).toMatchObject({
      code: 422,
      message: expect.stringContaining('metadata.resourceVersion: Invalid value: 0'),
    });
  });

  it('is refused for a missing namespace, a bad name, and a bad duration', async () => {
    const nowhere = leases.replace('kube-node-lease', 'nowhere');
    expect((await send(test, 'POST', nowhere, lease('x'))).json()).toMatchObject({
      code: 404,
      message: 'namespaces "nowhere" not found',
    });
    expect((await send(test, 'POST', leases, lease('Bad_Name'))).json()).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: expect.stringContaining(
        'Lease.coordination.k8s.io "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of',
      ),
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] },
    });
    const instant = { ...lease('x'), spec: { leaseDurationSeconds: 0 } };
    expect((await send(test, 'POST', leases, instant)).json()).toMatchObject({
      message:
        'Lease.coordination.k8s.io "x" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    });
  });
});

describe('a token review', () => {
  const review = (token: string, audiences?: string[]) =>
    send(test, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, ...(audiences === undefined ? {} : { audiences }) },
    });
  const account = { namespace: 'default', name: 'builder', uid: 'uid-builder' };
  const sign = (wish: { audiences?: string[]; seconds?: number; uid?: string } = {}): string =>
    signServiceAccountToken(
      keys,
      {
        ...account,
        uid: wish.uid ?? account.uid,
        audiences: wish.audiences ?? [keys.issuer],
        expirationSeconds: wish.seconds ?? 3600,
      },
      Date.now(),
    );

  it('accepts the tokens of the list', async () => {
    const answer = await review('sesame');
    expect(answer.status).toBe(201);
    expect(answer.json()['status']).toMatchObject({
      authenticated: true,
      user: { username: 'bob', groups: ['dev', 'system:authenticated'] },
    });
  });

  it('accepts the tokens of service accounts', async () => {
    expect((await review(sign())).json()['status']).toMatchObject({
      authenticated: true,
      audiences: [keys.issuer],
      user: {
        username: 'system:serviceaccount:default:builder',
        uid: 'uid-builder',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      },
    });
  });

  it.each([
    ['expired', () => sign({ seconds: -10 }), 'service account token has expired'],
    [
      'of an account that has been made anew',
      () => sign({ uid: 'other' }),
      'service account UID does not match claim',
    ],
    [
      'of another audience',
      () => sign({ audiences: ['vault'] }),
      'token audiences ["vault"] is invalid for the target audiences',
    ],
    ['signed by someone else', () => sign().replace(/[^.]+$/, 'AAAA'), 'error in cryptographic primitive'],
    ['that is none', () => 'garbage', 'token lookup failed'],
  ])('refuses a token %s', async (_name, make, error) => {
    const { status } = (await review(make())).json<{ status: Record<string, unknown> }>();
    expect(status['authenticated']).toBeUndefined();
    expect(status['error']).toContain(error);
  });

  it('accepts a token of another audience on request', async () => {
    const { status } = (await review(sign({ audiences: ['vault', 'x'] }), ['vault'])).json<{
      status: unknown;
    }>();
    expect(status).toMatchObject({ authenticated: true, audiences: ['vault'] });
  });

  it('without a token is invalid', async () => {
    expect((await review('')).json()).toMatchObject({ code: 422, reason: 'Invalid' });
  });
});
