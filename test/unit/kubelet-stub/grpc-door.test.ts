import { createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kubeletService } from '../../../src/wire/grpc/proto.js';
import { each, eventually, once, soon } from '../../support/waits.js';
import { type Bench, issueCertificates, readAll, startBench, type TestPki } from './bench.js';
import { ScriptedRuntime } from './scripted-runtime.js';

const app = { namespace: 'default', pod: 'web-0', container: 'app' };
const logs = { ...app, follow: false, previous: false, timestamps: false };
const port = { namespace: 'default', pod: 'web-0', port: 8080 };

describe('the gRPC door of a kubelet', () => {
  let pki: TestPki;
  let target: Server;
  let runtime: ScriptedRuntime;
  let bench: Bench;
  let serve: (socket: Socket) => void;

  beforeAll(async () => {
    pki = await issueCertificates();
    target = createServer({ allowHalfOpen: true }, (socket) => serve(socket)).listen(0, '127.0.0.1');
    await once(target, 'listening');
  });
  afterAll(() => void target.close());
  beforeEach(async () => {
    serve = (socket) => socket.on('error', () => undefined).pipe(socket);
    runtime = new ScriptedRuntime();
    const address = target.address();
    runtime.targetPort = typeof address === 'object' && address !== null ? address.port : 0;
    bench = await startBench(pki, runtime);
  });
  afterEach(() => bench.close());

  async function readLogs(request: Partial<Parameters<typeof bench.client.logs>[0]>): Promise<string> {
    let all = '';
    for await (const chunk of each(bench.client.logs({ ...logs, ...request }), 'part of the log'))
      all += Buffer.from(chunk).toString();
    return all;
  }

  describe('PortForward', () => {
    it('carries bytes both ways, in order, with half-close', async () => {
      const stream = await bench.client.portForward(port);
      const sent = Buffer.alloc(3_000_000, 'abcdefg');
      const received = buffer(stream);
      stream.end(sent);
      expect((await received).equals(sent)).toBe(true);
      await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
      expect(bench.events.at(-1)).toMatchObject({
        kind: 'request.finished',
        verb: 'portforward',
        protocol: 'grpc',
      });
    });

    it('delivers an answer that comes after the client closed its half', async () => {
      serve = (socket) => void readAll(socket).then((question) => socket.end(`re: ${question}`));
      const stream = await bench.client.portForward(port);
      stream.end('question');
      expect(await readAll(stream)).toBe('re: question');
    });

    it('lets the client write on after the port closed its half', async () => {
      const heard = soon<string>((resolve) => {
        serve = (socket) => {
          socket.end('bye');
          readAll(socket).then(resolve, resolve);
        };
      }, 'bytes of the client');
      const stream = await bench.client.portForward(port);
      expect(await readAll(stream)).toBe('bye');
      stream.end('still here');
      expect(await heard).toBe('still here');
    });

    it('stops reading the port when the client does not read', async () => {
      let written = 0;
      serve = (socket) => {
        socket.on('error', () => undefined);
        const chunk = Buffer.alloc(1024 * 1024);
        const fill = (): void => {
          while (written < 128 * chunk.length && socket.write(chunk)) written += chunk.length;
        };
        socket.on('drain', fill);
        fill();
      };
      const stream = await bench.client.portForward(port);
      let seen = -1;
      await eventually(
        () => {
          const stalled = written === seen;
          seen = written;
          expect(stalled).toBe(true);
        },
        { intervalMs: 150 },
      );
      expect(seen).toBeLessThan(64 * 1024 * 1024);
      stream.destroy();
    });

    it('closes the connection to the port when the client destroys its stream or aborts', async () => {
      const closed = soon<void>((resolve) => {
        serve = (socket) => {
          socket.resume().on('error', () => undefined);
          socket.once('end', () => socket.destroy()).once('close', () => resolve());
        };
      }, 'end of the connection');
      const stream = await bench.client.portForward(port);
      stream.write('x');
      stream.destroy();
      await closed;
      const controller = new AbortController();
      const second = await bench.client.portForward(port, { signal: controller.signal });
      controller.abort();
      const [error] = (await once(second, 'error')) as [Error];
      expect(error).toMatchObject({ code: 'DIAL_CANCELLED' });
      await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
    });

    it('rejects with PORT_CLOSED when the port is closed, and fails the stream when the port breaks', async () => {
      await expect(bench.client.portForward({ ...port, port: 81 })).rejects.toMatchObject({
        code: 'PORT_CLOSED',
        message: 'dial tcp 127.0.0.1:81: connection refused',
      });
      await expect(bench.client.portForward({ ...port, port: 0 })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
      serve = (socket) => void socket.once('data', () => socket.resetAndDestroy());
      const stream = await bench.client.portForward(port);
      stream.write('x');
      const [error] = (await once(stream, 'error')) as [Error];
      expect(error).toMatchObject({ name: 'TunnelError', code: 'PORT_CLOSED' });
    });
  });

  describe('Logs', () => {
    it('sends the log and hands every option to the runtime', async () => {
      const options = {
        timestamps: true,
        sinceTimeMs: 1_772_359_200_123,
        tailLines: 5,
        limitBytes: 4096,
        uid: 'u-1',
      };
      expect(await readLogs(options)).toBe('one\ntwo\n');
      expect(runtime.logRequests).toEqual([{ ...logs, ...options }]);
    });

    it('follows until the reader leaves the loop', async () => {
      for await (const chunk of each(bench.client.logs({ ...logs, follow: true }), 'part of the log')) {
        if (Buffer.from(chunk).toString() === 'two\n') break;
      }
      await runtime.hasAborted;
      await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
    });

    it('ends a followed log with DIAL_CANCELLED when the caller aborts', async () => {
      const controller = new AbortController();
      const following = (async () => {
        for await (const _ of each(
          bench.client.logs({ ...logs, follow: true }, { signal: controller.signal }),
          'part of the log',
        ))
          continue;
      })();
      await runtime.hasStarted;
      controller.abort();
      await expect(following).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
      await runtime.hasAborted;
    });

    it('rejects with the error of the runtime and with BAD_REQUEST for options that make no sense', async () => {
      await expect(readLogs({ previous: true })).rejects.toMatchObject({ code: 'LOGS_UNAVAILABLE' });
      await expect(readLogs({ container: 'x' })).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
      await expect(readLogs({ tailLines: -1 })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: 'tail_lines must be at least 0, not -1',
      });
    });
  });

  it('lists pods with their containers', async () => {
    const container = { image: 'nginx', ready: true, restartCount: 2, state: 'running' };
    expect(await bench.client.listPods()).toEqual([
      {
        ...{ namespace: 'default', name: 'web-0', uid: 'u-1', node: 'node-1', phase: 'Running' },
        ...{ podIp: '10.1.0.2', startTime: '2026-03-01T10:00:00Z' },
        containers: [
          { name: 'app', ...container },
          { name: 'shell', ...container },
        ],
      },
    ]);
  });

  describe('for any gRPC client', () => {
    const clients: Client[] = [];
    afterEach(() => clients.splice(0).forEach((client) => client.close()));

    function connect(withCertificate = true): InstanceType<ReturnType<typeof kubeletService>> {
      const { host, port: tcpPort } = bench.kubelet.address;
      const [ca, key, cert] = [pki.client.ca, pki.client.key, pki.client.cert].map((pem) => Buffer.from(pem));
      const channel = withCertificate ? credentials.createSsl(ca, key, cert) : credentials.createSsl(ca);
      const Stub = kubeletService();
      const client = new Stub(`${host}:${tcpPort}`, channel, {
        'grpc.ssl_target_name_override': 'localhost',
      });
      clients.push(client);
      return client;
    }

    it('ends every call of a stranger with UNAUTHENTICATED and the reason', async () => {
      const call = connect(false).Exec();
      const [error] = (await once(call, 'error')) as [ServiceError];
      expect(error).toMatchObject({
        code: status.UNAUTHENTICATED,
        details: 'Unauthorized: no client certificate was presented',
      });
      expect(error.metadata.get('konnsim-code')).toEqual(['UNAUTHORIZED']);
    });

    it('requires the start message first', async () => {
      const call = connect().Exec();
      call.write({ stdin: Buffer.from('early') });
      const [error] = (await once(call, 'error')) as [ServiceError];
      expect(error).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: 'the first message must be start',
      });
      const empty = connect().PortForward();
      empty.end();
      const [missing] = (await once(empty, 'error')) as [ServiceError];
      expect(missing.code).toBe(status.INVALID_ARGUMENT);
    });

    it('answers health checks, and describes its services by reflection', async () => {
      const client = connect();
      const raw = (path: string, body: Buffer): Promise<Buffer> =>
        soon((resolve, reject) => {
          const same = (bytes: Buffer): Buffer => bytes;
          client.makeUnaryRequest(path, same, same, body, new Metadata(), {}, (error, answer) =>
            answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
          );
        }, 'answer');
      // HealthCheckResponse { status: SERVING }
      expect(await raw('/grpc.health.v1.Health/Check', Buffer.alloc(0))).toEqual(Buffer.from([8, 1]));
      const same = (bytes: Buffer): Buffer => bytes;
      const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
      const reflection = client.makeBidiStreamRequest(path, same, same, new Metadata(), {});
      // ServerReflectionRequest { list_services: "" }
      reflection.end(Buffer.from([0x3a, 0]));
      const [answer] = (await once(reflection, 'data')) as [Buffer];
      await once(reflection, 'end');
      expect(answer.toString('latin1')).toContain('konnsim.kubelet.v1.Kubelet');
      expect(answer.toString('latin1')).toContain('grpc.health.v1.Health');
    });
  });
});
