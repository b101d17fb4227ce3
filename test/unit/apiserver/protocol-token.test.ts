import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTunnel, tunnelProtocol } from '../streams/support/tunnel-client.js';
import { call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { node, pod } from './objects.js';
import { startStreamKubelet } from './stream-kubelet.js';
import { openSocket, refusedSocket } from './web-socket.js';

const asName = (token: string | Buffer): string =>
  `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;
const bob = asName('sesame?>~');

let test: TestApi;
let kubelet: Server;
let asked: IncomingMessage[];
beforeAll(async () => {
  const credentials = await makeCredentials();
  ({ server: kubelet, asked } = await startStreamKubelet(credentials));
  const nodes = [node('node-1', (kubelet.address() as AddressInfo).port)];
  test = await startTestApi(credentials, {
    objects: { nodes, pods: [pod({ name: 'web' })] },
    tokens: [{ token: 'sesame?>~', user: 'bob', groups: ['system:masters'] }],
  });
});
beforeEach(() => void (asked.length = 0));
afterAll(async () => {
  await test.close();
  kubelet.closeAllConnections();
  kubelet.close();
});

const anyone = { credential: 'none' } as const;
const web = '/api/v1/namespaces/default/pods/web';
const exec = `${web}/exec?command=ls&stdout=1`;
const watch = '/api/v1/namespaces/default/pods?watch=1';

/** The token, in any form, in what others can see. */
async function leaks(): Promise<string[]> {
  const metrics = (await call(test, '/metrics')).text;
  const seen = [
    JSON.stringify(test.events),
    metrics,
    ...asked.map(({ rawHeaders }) => rawHeaders.join('\n')),
  ];
  return seen.filter((text) => /sesame|c2VzYW1l|base64url\.bearer/.test(text));
}

describe('a token in the subprotocols of a WebSocket', () => {
  it.each([
    ['an exec that is translated', exec, 'v5.channel.k8s.io', 2],
    ['an exec that is passed on', exec, 'v4.channel.k8s.io', 2],
    ['a watch', watch, 'anything', 1],
    ['a log', `${web}/log`, 'binary.k8s.io', 2],
  ])('authenticates %s, and is neither chosen nor passed on', async (_what, path, protocol, messages) => {
    for (const protocols of [
      [bob, protocol],
      [protocol, bob],
    ]) {
      const opened = await openSocket(test, path, { ...anyone, protocols });
      expect(opened.ws.protocol).toBe(protocol);
      for (let count = 0; count < messages; count++) await opened.next();
      opened.ws.close();
      await opened.closed;
    }
    expect(test.events.some(({ peer }) => peer === 'client/bob')).toBe(true);
    expect(await leaks()).toEqual([]);
  });

  it('authenticates a port-forward', async () => {
    const url = `${test.api.url.replace('https', 'wss')}${web}/portforward?ports=80`;
    const ca = test.credentials.ca.certPem;
    const { ws, protocol } = await openTunnel(url, `${bob}, ${tunnelProtocol}`, { ca });
    expect(protocol).toBe(tunnelProtocol);
    ws.terminate();
    expect(await leaks()).toEqual([]);
  });

  it('authenticates a request whose upgrade means nothing', async () => {
    const answer = await refusedSocket(test, '/api/v1/nodes', { ...anyone, protocols: [bob, 'x'] });
    expect(answer.status).toBe(200);
  });

  it.each<[string, string[]]>([
    ['without another name', [bob]],
    ['twice', [bob, asName('other'), 'v4.channel.k8s.io']],
    ['of nobody', [asName('wrong'), 'v4.channel.k8s.io']],
    ['with padding', [`${bob}=`, 'v4.channel.k8s.io']],
    ['in the other base64', [bob.replace('-', '+'), 'v4.channel.k8s.io']],
    ['cut', [bob.slice(0, -3), 'v4.channel.k8s.io']],
    ['that is no text', [asName(Buffer.of(0xff, 0xfe)), 'v4.channel.k8s.io']],
  ])('%s is refused, also where nobody needs one', async (_what, names) => {
    // The client library would refuse some of these names itself.
    const headers = { 'sec-websocket-protocol': names.join(', ') };
    for (const path of [exec, watch, `${web}/log`, '/version']) {
      const { status, text } = await refusedSocket(test, path, { ...anyone, headers });
      expect([status, JSON.parse(text)]).toMatchObject([401, { message: 'Unauthorized' }]);
    }
    expect(asked).toEqual([]);
    expect(await leaks()).toEqual([]);
  });

  it('is not looked at when the client is known otherwise, and is not passed on either', async () => {
    for (const wish of [{}, { ...anyone, headers: { authorization: 'Bearer sesame?>~' } }]) {
      const protocols = [asName('sesame wrong'), 'v4.channel.k8s.io'];
      const opened = await openSocket(test, exec, { ...wish, protocols });
      expect(opened.ws.protocol).toBe('v4.channel.k8s.io');
      await opened.closed;
    }
    expect(await leaks()).toEqual([]);
    const alone = await openSocket(test, watch, { headers: { 'sec-websocket-protocol': bob } });
    expect(alone.ws.protocol).toBe('');
    alone.ws.terminate();
  });

  it('means nothing in a request that is no WebSocket', async () => {
    const headers = { 'sec-websocket-protocol': `${bob}, x` };
    expect((await call(test, '/api/v1/pods', { ...anyone, headers })).status).toBe(401);
    expect((await call(test, '/version', { ...anyone, headers })).status).toBe(200);
    await call(test, '/api/v1/nodes/node-1/proxy/logs/', { headers });
    expect(asked).toHaveLength(1);
    expect(await leaks()).toEqual([]);
  });
});

describe('a token that is not valid', () => {
  it('does not count as no token', async () => {
    const headers = { authorization: 'Bearer wrong' };
    expect((await call(test, '/healthz', { ...anyone, headers })).status).toBe(401);
    expect((await call(test, '/healthz', anyone)).status).toBe(200);
  });
});
