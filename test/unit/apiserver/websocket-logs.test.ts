import type { ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { type KubeletHandler, startKubelet } from './fake-kubelet.js';
import {
  type Credentials,
  makeCredentials,
  startTestApi,
  type TestApi,
  type TestApiWish,
} from './fixture.js';
import { node, pod } from './objects.js';
import { type Opened, openSocket, refusedSocket } from './web-socket.js';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCredentials();
});

let kubelet: Server;
let answer: KubeletHandler;
let test: TestApi | undefined;
beforeEach(async () => {
  answer = (_request, response) => response.end('hello\n');
  kubelet = await startKubelet(credentials, 'node-1', (request, response) => answer(request, response));
});
afterEach(async () => {
  await test?.close();
  kubelet.closeAllConnections();
  kubelet.close();
});

async function start(wish: TestApiWish = {}): Promise<TestApi> {
  const nodes = [node('node-1', (kubelet.address() as AddressInfo).port)];
  const pods = [pod({ name: 'web' }), pod({ name: 'floating', node: '' })];
  test = await startTestApi(credentials, { objects: { nodes, pods }, ...wish });
  return test;
}

const path = (name: string, query = ''): string => `/api/v1/namespaces/default/pods/${name}/log${query}`;
const logs = async (...protocols: string[]): Promise<Opened> =>
  openSocket(await start(), path('web'), { protocols, origin: '' });

describe('logs over a WebSocket', () => {
  it.each([
    ['without a subprotocol', [], ''],
    ['with binary.k8s.io', ['binary.k8s.io'], 'binary.k8s.io'],
    ['with an unknown one before it', ['x', 'binary.k8s.io', 'base64.binary.k8s.io'], 'binary.k8s.io'],
  ])('%s are binary messages after an empty one, and end with 1000', async (_what, offered, chosen) => {
    const opened = await logs(...offered);
    expect(opened.ws.protocol).toBe(chosen);
    expect(await opened.next()).toEqual(Buffer.alloc(0));
    expect(await opened.next()).toEqual(Buffer.from('hello\n'));
    expect(await opened.closed).toBe(1000);
  });

  it('with base64.binary.k8s.io are text messages', async () => {
    const opened = await logs('base64.binary.k8s.io');
    expect(await opened.next()).toBe('');
    expect(await opened.next()).toBe(Buffer.from('hello\n').toString('base64'));
    expect(await opened.closed).toBe(1000);
  });

  it('come in messages of at most 2048 bytes', async () => {
    const whole = Buffer.from('0123456789'.repeat(500));
    answer = (_request, response) => response.end(whole);
    const opened = await logs();
    const parts: Buffer[] = [];
    while (Buffer.concat(parts).length < whole.length) parts.push((await opened.next()) as Buffer);
    expect(Buffer.concat(parts)).toEqual(whole);
    expect(Math.max(...parts.map((part) => part.length))).toBe(2048);
  });

  it('come while they are written, and stop at the kubelet when the client goes', async () => {
    const { promise, resolve } = deferred<ServerResponse>();
    const { promise: gone, resolve: left } = deferred<void>();
    answer = (_request, response) => {
      response.flushHeaders();
      response.once('close', () => left());
      resolve(response);
    };
    const opened = await openSocket(await start(), path('web', '?follow=true'));
    await opened.next();
    (await promise).write('one\n');
    expect(String(await opened.next())).toBe('one\n');
    opened.ws.terminate();
    await gone;
    await expect.poll(() => test?.api.openStreams().log).toBe(0);
  });

  it('with no known subprotocol are refused without a word', async () => {
    const refused = await refusedSocket(await start(), path('web'), { protocols: ['x'] });
    expect(refused).toEqual({ status: 403, text: '' });
  });

  it('that fail before they begin are answered as without it', async () => {
    const api = await start();
    const missing = await refusedSocket(api, path('zap'));
    expect([missing.status, JSON.parse(missing.text)]).toMatchObject([404, { reason: 'NotFound' }]);
    expect(await refusedSocket(api, path('floating'))).toEqual({ status: 204, text: '' });
  });

  it('that are cut end with 1000, as behind kube-apiserver, or without a farewell when ideal parts are asked for', async () => {
    answer = (_request, response) => response.write('one\n', () => response.socket?.destroy());
    const cut = await openSocket(await start({ as: 'ideal' }), path('web'));
    expect(await cut.closed).toBe(1006);
    await expect.poll(() => test?.events.at(-1)).toMatchObject({ kind: 'request.failed', verb: 'log' });
    await test?.close();
    const usual = await openSocket(await start(), path('web'));
    expect(await usual.closed).toBe(1000);
  });
});
