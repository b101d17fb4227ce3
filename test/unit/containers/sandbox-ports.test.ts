import { setMaxListeners } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxOptions, SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { soon } from '../../support/waits.js';
import { collect, main, noise, readToEnd, sandbox, testPod } from './support.js';

const never = new AbortController().signal;
setMaxListeners(0, never);
let open: SandboxRuntime[] = [];
afterEach(async () => {
  await Promise.all(open.map((runtime) => runtime.close()));
  open = [];
});

function start(image: string, options: Partial<SandboxOptions> = {}): SandboxRuntime {
  const pod = testPod([{ name: 'main', image, ports: [{ containerPort: 8080 }] }]);
  const { runtime } = sandbox([pod], options);
  open.push(runtime);
  return runtime;
}

const dial = (runtime: SandboxRuntime, port = 8080, signal = never): Promise<Duplex> =>
  runtime.portForward({ namespace: 'default', pod: 'web-0', port }, signal);

/** One HTTP request over a connection to the pod. */
async function get(runtime: SandboxRuntime, path: string): Promise<{ status: number; body: string }> {
  const connection = await dial(runtime);
  const response = await soon<IncomingMessage>((resolve, reject) => {
    httpRequest({ path, host: 'pod', createConnection: () => connection as never }, resolve)
      .on('error', reject)
      .end();
  }, 'response');
  return { status: response.statusCode ?? 0, body: await collect(response) };
}

describe('konnsim/web', () => {
  it('answers with its pod’s name and logs each request', async () => {
    const runtime = start('registry.example:5000/konnsim/web:1.2@sha256:00');
    expect(await get(runtime, '/a?b=1')).toEqual({
      status: 200,
      body: 'pod: web-0\nnamespace: default\nnode: node-1\npath: /a?b=1\n',
    });
    const log = await runtime.logs({ ...main, follow: false, previous: false, timestamps: false }, never);
    expect(await collect(log)).toBe(
      'listening on :8080\n127.0.0.1 - - [2026-01-02T03:04:05Z] "GET /a?b=1 HTTP/1.1" 200 56\n',
    );
  });

  it('answers many requests at once and several on one connection', async () => {
    const runtime = start('konnsim/web');
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => get(runtime, `/${index}`)));
    expect(answers.every(({ body }, index) => body.endsWith(`path: /${index}\n`))).toBe(true);
    const connection = await dial(runtime);
    connection.write(
      'GET /1 HTTP/1.1\r\nHost: pod\r\n\r\nGET /2 HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n',
    );
    const text = (await readToEnd(connection)).toString();
    expect(text).toMatch(/path: \/1\n[^]*path: \/2\n$/);
  });

  it('ends its connections with the container', async () => {
    const runtime = start('konnsim/web');
    const connection = await dial(runtime);
    const closed = soon((resolve) => connection.once('close', resolve), 'end of the connection');
    runtime.stopContainer(main);
    await closed;
    await expect(dial(runtime)).rejects.toMatchObject({ code: 'PORT_CLOSED' });
  });
});

describe('konnsim/echo', () => {
  it('sends 20 MiB back and half-closes after the client has', async () => {
    const runtime = start('konnsim/echo');
    const connection = await dial(runtime);
    const input = noise(20 * 1024 * 1024);
    connection.end(input);
    const output = await readToEnd(connection);
    expect(output.equals(input)).toBe(true);
  });

  it('stops reading while the client does not read', async () => {
    const runtime = start('konnsim/echo');
    const connection = await dial(runtime);
    let written = 0;
    while (connection.write(Buffer.alloc(16_384)) || connection.writableLength === 0) {
      written += 16_384;
      await new Promise((resolve) => setImmediate(resolve));
      if (written > 4 * 1024 * 1024) break;
    }
    expect(written).toBeLessThan(1024 * 1024);
    connection.destroy();
  });
});

describe('a port that nothing listens on', () => {
  it('is refused with the text of a container runtime', async () => {
    const runtime = start('konnsim/web');
    await expect(dial(runtime, 81)).rejects.toMatchObject({
      code: 'PORT_CLOSED',
      message: expect.stringMatching(
        /^failed to execute portforward in network namespace "[^"]+": failed to connect to localhost:81 inside namespace "[0-9a-f]{64}", IPv4: dial tcp4 127\.0\.0\.1:81: connect: connection refused IPv6 dial tcp6 \[::1\]:81: connect: connection refused$/,
      ),
    });
    await expect(dial(start('busybox'))).rejects.toMatchObject({ code: 'PORT_CLOSED' });
    await expect(
      runtime.portForward({ namespace: 'other', pod: 'web-0', port: 80 }, never),
    ).rejects.toMatchObject({ code: 'POD_NOT_FOUND', message: 'pod does not exist' });
  });
});

describe('a connection', () => {
  it('ends when its request is aborted', async () => {
    const runtime = start('konnsim/echo');
    const client = new AbortController();
    const connection = await dial(runtime, 8080, client.signal);
    const closed = soon((resolve) => connection.once('close', resolve), 'end of the connection');
    client.abort();
    await closed;
  });
});

describe('a connection that breaks', () => {
  it('has the text of a container runtime, with a port of its own', async () => {
    const connection = await dial(start('konnsim/web'));
    connection.write('not HTTP\r\n\r\n');
    await readToEnd(connection);
    const failed = soon<Error>((resolve) => connection.once('error', resolve), 'error');
    connection.write('late');
    const error = await failed;
    expect(error.message).toMatch(
      /^failed to execute portforward in network namespace "\/var\/run\/netns\/cni-[0-9a-f]{36}": write tcp4 127\.0\.0\.1:\d{5}->127\.0\.0\.1:8080: write: broken pipe$/,
    );
  });
});

describe('PortForward behaviours', () => {
  const forPod = { name: 'web-0', namespace: 'default' };

  it('lead to a named address, to a command, or to an error', async () => {
    const server = createServer((socket) => socket.end('from outside')).listen(0, '127.0.0.1');
    await soon((resolve) => server.once('listening', resolve), 'listening server');
    const target = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const forwards = [
      { ports: [1], target },
      { ports: [2], command: ['sh', '-c', 'read x; echo "got $x"; cat'] },
      { ports: [3], error: 'scripted: no route' },
      { ports: [4], target: { address: '127.0.0.1', port: 1 } },
    ];
    const runtime = start('busybox', {
      behaviours: [{ kind: 'PortForward', metadata: forPod, spec: { forwards } }],
    });
    const outside = await dial(runtime, 1);
    expect(await collect(outside)).toBe('from outside');
    outside.end();
    const command = await dial(runtime, 2);
    command.end('line\nrest');
    expect((await readToEnd(command)).toString()).toBe('got line\nrest');
    await expect(dial(runtime, 3)).rejects.toMatchObject({
      code: 'PORT_CLOSED',
      message: 'scripted: no route',
    });
    await expect(dial(runtime, 4)).rejects.toMatchObject({
      code: 'PORT_CLOSED',
      message: 'failed to connect to 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused',
    });
    await soon((resolve) => server.close(resolve), 'end of the server');
  });
});
