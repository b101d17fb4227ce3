import type { ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKubeletConnector } from '../../../src/apiserver/kubelet/connector.js';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import type { Dialer } from '../../../src/wire/client/dialer.js';
import { deferred } from '../../support/deferred.js';
import { each, once } from '../../support/waits.js';
import { type KubeletHandler, startKubelet } from './fake-kubelet.js';
import {
  type Credentials,
  call,
  closed,
  loopbackDialer,
  makeCredentials,
  open,
  startTestApi,
  type TestApi,
  type TestApiWish,
} from './fixture.js';
import { node, pod } from './objects.js';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCredentials();
});

let kubelet: Server;
let answer: KubeletHandler;
/** The request that the kubelet got. */
let asked: string[];
beforeEach(async () => {
  asked = [];
  answer = (_request, response) => response.end('hello\n');
  kubelet = await startAs('node-1');
});

let test: TestApi | undefined;
afterEach(async () => {
  await test?.close();
  kubelet.closeAllConnections();
  kubelet.close();
});

const startAs = (dnsName: string): Promise<Server> =>
  startKubelet(credentials, dnsName, (request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });

async function start(wish: TestApiWish = {}): Promise<TestApi> {
  const { port } = kubelet.address() as AddressInfo;
  test = await startTestApi(credentials, {
    objects: {
      nodes: [node('node-1', port), node('bare', port, [])],
      pods: [
        pod({ name: 'web' }),
        pod({ name: 'pair', containers: ['a', 'b'] }),
        pod({ name: 'floating', node: '' }),
        pod({ name: 'lost', node: 'gone' }),
        pod({ name: 'bare', node: 'bare' }),
      ],
    },
    ...wish,
  });
  return test;
}

const logPath = (name: string, query = ''): string => `/api/v1/namespaces/default/pods/${name}/log${query}`;

describe('logs', () => {
  it('are requested from the kubelet by its node name, with the given options ordered by name', async () => {
    const dialled: string[] = [];
    const dialer: Dialer = {
      dial(host, port, options) {
        dialled.push(`${host} ${options?.request}`);
        return loopbackDialer.dial(host, port, options);
      },
    };
    const api = await start({ dialer });
    const got = await call(api, logPath('pair', '?container=b&tailLines=5&follow=true&timestamps=true'));
    expect(got).toMatchObject({ status: 200, text: 'hello\n' });
    expect(got.headers['content-type']).toBe('text/plain');
    expect(asked).toEqual(['/containerLogs/default/pair/b?follow=true&tailLines=5&timestamps=true']);
    expect(dialled).toEqual([`node-1 ${String(got.headers['audit-id'])}`]);
  });

  it('ask the kubelet for no more lines than a number can count', async () => {
    const api = await start();
    await call(api, logPath('pair', '?container=b&tailLines=999999999999999999'));
    expect(asked).toEqual([`/containerLogs/default/pair/b?tailLines=${Number.MAX_SAFE_INTEGER}`]);
  });

  it('come while they are written', async () => {
    const { promise, resolve } = deferred<ServerResponse>();
    answer = (_request, response) => {
      response.flushHeaders();
      resolve(response);
    };
    const api = await start();
    const got = await open(api, logPath('web', '?follow=true'));
    const source = await promise;
    expect(api.api.openStreams().log).toBe(1);
    source.write('one\n');
    expect(String((await once(got, 'data'))[0])).toBe('one\n');
    source.end('two\n');
    expect(String((await once(got, 'data'))[0])).toBe('two\n');
    await once(got, 'end');
    await expect.poll(() => api.api.openStreams().log).toBe(0);
  });

  it('stop at the kubelet when the client goes', async () => {
    const { promise, resolve } = deferred<ServerResponse>();
    answer = (_request, response) => {
      response.write('one\n');
      resolve(response);
    };
    const got = await open(await start(), logPath('web', '?follow=true'));
    const gone = closed(await promise);
    got.destroy();
    await gone;
  });

  it('wait for a client that reads slowly', async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    answer = (_request, response) => {
      const pump = (): void => {
        while (written < total) {
          written += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', pump);
            return;
          }
        }
        response.end();
      };
      pump();
    };
    const got = await open(await start(), logPath('web'));
    let before = -1;
    await expect
      .poll(
        () => {
          const still = written === before;
          before = written;
          return still;
        },
        { interval: 100 },
      )
      .toBe(true);
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    for await (const part of each(got, 'part of the log')) read += (part as Buffer).length;
    expect(read).toBe(total);
  });

  it('of a pod without a node are no content', async () => {
    expect(await call(await start(), logPath('floating'))).toMatchObject({ status: 204, text: '' });
  });

  it.each([
    ['zap', '', 404, 'NotFound', 'pods "zap" not found'],
    ['pair', '', 400, 'BadRequest', 'a container name must be specified for pod pair, choose one of: [a b]'],
    ['web', '?container=zap', 400, 'BadRequest', 'container zap is not valid for pod web'],
    ['lost', '', 404, 'NotFound', 'pods "gone" not found'],
    ['bare', '', 500, undefined, 'no preferred addresses found; known addresses: []'],
    ['web', '?tailLines=-1', 422, 'Invalid', /tailLines: Invalid value: -1/],
  ])('of %s%s are refused with %d', async (...row) => {
    const [name, query, code, reason, message] = row;
    const status = (await call(await start(), logPath(name, query))).json();
    expect([status.code, status.reason]).toEqual([code, reason]);
    expect(status.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(asked).toEqual([]);
  });
});

describe('a refusal of the kubelet', () => {
  it.each([
    [400, 'no such run', 400, 'BadRequest', 'no such run'],
    [500, 'disk gone', 500, 'InternalError', 'Internal error occurred: disk gone'],
    [
      404,
      'pod does not exist',
      404,
      'NotFound',
      'the server could not find the requested resource ( pods/log web)',
    ],
    [403, 'Forbidden (user=x)', 403, 'Forbidden', 'Forbidden (user=x) ( pods/log web)'],
    [
      502,
      'bad',
      502,
      'InternalError',
      'an error on the server ("bad") has prevented the request from succeeding ( pods/log web)',
    ],
  ])('with %d %s becomes %d %s', async (...row) => {
    const [kubeletCode, body, code, reason, message] = row;
    answer = (_request, response) => response.writeHead(kubeletCode).end(body);
    const got = await call(await start(), logPath('web'));
    expect(got.status).toBe(code);
    expect(got.json()).toMatchObject({ code, reason, message });
  });
});

/** The Status that a log request gets when the kubelet cannot be reached. */
async function failure(api: TestApi): Promise<{ code: unknown; reason: unknown; cause: string }> {
  const status = (await call(api, logPath('web'))).json<{ code: number; reason?: string; message: string }>();
  const url = `Get "https://node-1:${(kubelet.address() as AddressInfo).port}/containerLogs/default/web/main": `;
  expect(status.message.slice(0, url.length)).toBe(url);
  return { code: status.code, reason: status.reason, cause: status.message.slice(url.length) };
}

describe('a kubelet that cannot be reached', () => {
  it('is reported with the text of the dialer, without reason', async () => {
    const dialer: Dialer = { dial: () => Promise.reject(new TunnelError('NO_AGENT', 'No agent available')) };
    expect(await failure(await start({ dialer }))).toEqual({
      code: 500,
      reason: undefined,
      cause: 'No agent available',
    });
  });

  it('because its certificate is of another CA, is reported in Go’s words', async () => {
    const other = await makeCredentials();
    const kubeletTls = { ca: other.ca.certPem, cert: other.admin.certPem, key: other.admin.keyPem };
    const { cause } = await failure(await start({ kubeletTls }));
    expect(cause).toBe('tls: failed to verify certificate: x509: certificate signed by unknown authority');
  });

  it('because its certificate has another name, is reported in Go’s words', async () => {
    kubelet.close();
    kubelet = await startAs('node-7');
    const { cause } = await failure(await start());
    expect(cause).toBe(
      'tls: failed to verify certificate: x509: certificate is valid for node-7, not node-1',
    );
  });

  it('is used without a check when no CA is configured, or when the request says so', async () => {
    kubelet.close();
    kubelet = await startAs('node-7');
    const { admin } = credentials;
    const api = await start();
    expect((await call(api, logPath('web', '?insecureSkipTLSVerifyBackend=true'))).text).toBe('hello\n');
    await api.close();
    const unchecked = await start({ kubeletTls: { cert: admin.certPem, key: admin.keyPem } });
    expect((await call(unchecked, logPath('web'))).text).toBe('hello\n');
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['hangs up', (socket) => socket.end(), 'EOF'],
    [
      'speaks no TLS',
      (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
      'tls: first record does not look like a TLS handshake',
    ],
    [
      'speaks plain HTTP',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'http: server gave HTTP response to HTTPS client',
    ],
  ])('because what answers %s, is told so', async (_what, behave, expected) => {
    const strange = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      behave(socket);
    }).listen(0, '127.0.0.1');
    await once(strange, 'listening');
    const { port } = strange.address() as AddressInfo;
    const dialer: Dialer = { dial: (host) => loopbackDialer.dial(host, port) };
    try {
      expect((await failure(await start({ dialer }))).cause).toBe(expected);
    } finally {
      strange.close();
    }
  });

  it('because it does not answer the handshake, is waited for without end by streams of the original', async () => {
    const clock = new ManualClock();
    const silent = createTcpServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const dialer: Dialer = {
      async dial() {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      },
    };
    const { admin } = credentials;
    const tls = { cert: admin.certPem, key: admin.keyPem };
    const gone = new AbortController();
    const endpoint = { host: '127.0.0.1', port };
    const connecting = (patient: boolean): Promise<string> =>
      createKubeletConnector({ dialer, tls, clock })
        .connect(endpoint, { request: 'r', signal: gone.signal, patient })
        .then(
          () => 'connected',
          (error: Error) => error.message,
        );
    const [patient, usual] = [connecting(true), connecting(false)];
    let over = false;
    void patient.then(() => (over = true));
    // Both count their time from when the connection is there.
    const late = setInterval(() => clock.advance(10_000), 5);
    expect(await usual).toBe('net/http: TLS handshake timeout');
    clearInterval(late);
    clock.advance(3_600_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    gone.abort();
    expect(await patient).toBe('context canceled');
    silent.close();
  });

  it('because it does not answer the handshake, is reported after ten seconds', async () => {
    const clock = new ManualClock();
    const silent = createTcpServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { promise: dialled, resolve } = deferred<void>();
    const dialer: Dialer = {
      async dial() {
        const socket = connect((silent.address() as AddressInfo).port, '127.0.0.1');
        await once(socket, 'connect');
        setImmediate(resolve);
        return socket;
      },
    };
    const failing = failure(await start({ dialer, clock }));
    await dialled;
    clock.advance(10_000);
    expect((await failing).cause).toBe('net/http: TLS handshake timeout');
    silent.close();
  });
});

describe('a log that is cut in mid-stream', () => {
  beforeEach(() => {
    answer = (_request, response) => {
      response.write('one\n', () => response.socket?.destroy());
    };
  });

  it('is cut for the client too when ideal parts are asked for, after the bytes before the cut', async () => {
    const api = await start({ as: 'ideal' });
    const got = await open(api, logPath('web'));
    let text = '';
    got.on('data', (chunk) => (text += chunk));
    await closed(got);
    expect(text).toBe('one\n');
    expect(got.complete).toBe(false);
    await expect
      .poll(() => api.events.at(-1))
      .toMatchObject({
        kind: 'request.failed',
        verb: 'log',
        error: 'the kubelet went away in the middle of the log',
      });
  });

  it('looks complete, as behind kube-apiserver', async () => {
    const got = await call(await start(), logPath('web'));
    expect(got).toMatchObject({ status: 200, text: 'one\n' });
  });
});
