import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { badRequest } from '../../../src/apiserver/request/status.js';
import { finished } from '../../../src/apiserver/resources/json.js';
import { openTunnel, tunnelProtocol } from '../streams/support/tunnel-client.js';
import {
  type Credentials,
  call,
  makeCredentials,
  startTestApi,
  type TestApi,
  type TestApiWish,
} from './fixture.js';
import { createdAt, node, pod } from './objects.js';
import { startStreamKubelet } from './stream-kubelet.js';
import { openSocket, refusedSocket, type SocketWish } from './web-socket.js';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const grant = (user: string, verbs: readonly string[]) => {
  const metadata = { name: user, uid: `uid-${user}`, creationTimestamp: createdAt };
  const resources = ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/proxy'];
  const roleRef = { apiGroup, kind: 'ClusterRole', name: user };
  const subjects = [{ kind: 'User', name: user }];
  return [
    finished({ apiVersion, kind: 'ClusterRole', metadata, rules: [{ apiGroups: [''], resources, verbs }] }),
    finished({ apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects }),
  ];
};

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCredentials();
});

let kubelet: Server;
let test: TestApi;
beforeEach(async () => {
  ({ server: kubelet } = await startStreamKubelet(credentials));
});
afterEach(async () => {
  await test.close();
  kubelet.closeAllConnections();
  kubelet.close();
});

async function start(version: string, wish: TestApiWish = {}): Promise<void> {
  const nodes = [node('node-1', (kubelet.address() as AddressInfo).port)];
  const others = [...grant('getter', ['get']), ...grant('doer', ['get', 'create'])];
  const tokens = ['getter', 'doer'].map((user) => ({ token: user, user }));
  const objects = { nodes, pods: [pod({ name: 'web' })], others };
  test = await startTestApi(credentials, { version, objects, tokens, ...wish });
}

const web = '/api/v1/namespaces/default/pods/web';
const exec = `${web}/exec?command=ls&stdout=1`;
const as = (user: string): SocketWish & { headers: Record<string, string> } => ({
  credential: 'none',
  headers: { authorization: `Bearer ${user}` },
});

async function ends(user: string, protocol: string): Promise<number> {
  const opened = await openSocket(test, exec, { ...as(user), protocols: [protocol] });
  return opened.closed;
}

async function tunnel(user: string): Promise<string | undefined> {
  const path = `${web}/portforward?ports=80`;
  const url = test.api.url.replace('https', 'wss') + path;
  // The helper writes its own headers; the token goes beside the name.
  const name = `base64url.bearer.authorization.k8s.io.${Buffer.from(user).toString('base64url')}`;
  const { ws, protocol } = await openTunnel(url, `${name}, ${tunnelProtocol}`, {
    ca: credentials.ca.certPem,
  });
  ws.terminate();
  return protocol;
}

const refusal = {
  kind: 'Status',
  code: 403,
  reason: 'Forbidden',
  message: 'pods "web" is forbidden: ',
  details: { name: 'web', kind: 'pods' },
};

describe('a user who may only get exec, attach and port-forward', () => {
  it('can open them over WebSocket before 1.35', async () => {
    await start('1.34.0');
    expect([await ends('getter', 'v5.channel.k8s.io'), await ends('getter', 'v4.channel.k8s.io')]).toEqual([
      1000, 1000,
    ]);
    expect(await tunnel('getter')).toBe(tunnelProtocol);
  });

  it('cannot from 1.35 on, whatever the protocol', async () => {
    await start('1.35.0');
    for (const path of [exec, `${web}/attach?stdout=1`, `${web}/portforward?ports=80`]) {
      for (const protocol of ['v5.channel.k8s.io', 'v4.channel.k8s.io']) {
        const { status, text } = await refusedSocket(test, path, { ...as('getter'), protocols: [protocol] });
        expect([status, JSON.parse(text)]).toMatchObject([403, refusal]);
      }
      expect((await call(test, path, as('getter'))).json()).toMatchObject(refusal);
    }
    await expect(tunnel('getter')).rejects.toThrow('403');
  });

  it('is told by kubectl, which then asks with POST, in the words of any other refusal', async () => {
    await start('1.35.0');
    const { headers } = as('getter');
    const spdy = { ...headers, connection: 'Upgrade', upgrade: 'SPDY/3.1' };
    expect((await call(test, exec, { ...as('getter'), method: 'POST', headers: spdy })).json().message).toBe(
      'pods "web" is forbidden: User "getter" cannot create resource "pods/exec" in API group "" in the namespace "default"',
    );
  });

  it('may still use the proxy, and is asked about after admission and before the pod is looked for', async () => {
    const asked: string[] = [];
    await start('1.35.0', {
      admit: async ({ name }) => {
        asked.push(name);
        if (name === 'never') throw badRequest('no');
        return {};
      },
    });
    const status = async (path: string): Promise<number> => (await call(test, path, as('getter'))).status;
    expect(await status(`${web}/proxy`)).toBe(301);
    expect(await status('/api/v1/namespaces/default/pods/never/exec')).toBe(400);
    expect(await status('/api/v1/namespaces/default/pods/zap/exec')).toBe(403);
    expect(asked).toEqual(['web', 'never', 'zap']);
  });
});

describe('a user who may get and create them', () => {
  it('can open them in any version', async () => {
    await start('1.35.0');
    expect([await ends('doer', 'v5.channel.k8s.io'), await ends('doer', 'v4.channel.k8s.io')]).toEqual([
      1000, 1000,
    ]);
    expect(await tunnel('doer')).toBe(tunnelProtocol);
  });

  it('is told of an unknown pod before the missing upgrade', async () => {
    await start('1.35.0');
    const missing = await call(test, '/api/v1/namespaces/default/pods/zap/exec', as('doer'));
    expect(missing.json()).toMatchObject({ code: 404, message: 'pods "zap" not found' });
    expect((await call(test, exec, as('doer'))).json()).toMatchObject({
      message: 'Upgrade request required',
    });
  });
});
