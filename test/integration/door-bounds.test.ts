import { readdirSync, readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import { type AllDoors, type Door, openAllDoors } from '../support/all-doors.js';
import { dialDoor, openDoor } from '../support/door-visit.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../support/handles.js';
import { eventually, once, soon } from '../support/waits.js';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame, and half a HEADERS frame. */
const settings = Buffer.from('000000040000000000', 'hex');
const halfHeaders = Buffer.from('0000400105000000018286', 'hex');
/** No port waits longer than this for anything, ms. */
const maxMs = 180_000;

let certificates: CertificateSet;
let clock: ManualClock;
let all: AllDoors;
let sockets: Socket[];
let before: Handles;

beforeAll(async () => {
  certificates = await createCertificateSet();
});
beforeEach(async () => {
  before = currentHandles();
  clock = new ManualClock();
  sockets = [];
  all = await openAllDoors({ certificates, clock });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await all.close();
  await expectNoNewHandles(before);
});

/** A client as far as it gets: connected, or with its certificate shown. */
interface Stall {
  readonly doors: (door: Door) => boolean;
  readonly raw?: boolean;
  readonly sends?: (door: Door) => string | Buffer;
}

const every = (): boolean => true;
const encrypted = ({ tls }: Door): boolean => tls !== undefined;
const http1 = ({ protocol }: Door): boolean => protocol === 'http1';
const h2 = ({ protocol }: Door): boolean => protocol === 'h2';
const post = ({ secret }: Door): string =>
  `POST ${secret.startsWith('/api') ? '/api/v1/namespaces' : secret} HTTP/1.1\r\nHost: localhost\r\n`;

const stalls: Record<string, Stall> = {
  'sends no bytes': { doors: every, raw: true },
  'sends three bytes of a handshake': { doors: encrypted, raw: true, sends: () => '\x16\x03\x01' },
  'shows its certificate and says nothing': { doors: encrypted },
  'sends half a head': { doors: http1, sends: () => 'GET / HTTP/1.1\r\nHos' },
  'sends a body that never comes': {
    doors: http1,
    sends: (door) => `${post(door)}Content-Length: 9\r\n\r\n{`,
  },
  'sends a chunked body that never ends': {
    doors: http1,
    sends: (door) => `${post(door)}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
  },
  'sends half a preface': { doors: h2, sends: () => preface.slice(0, 9) },
  'sends a preface without settings': { doors: h2, sends: () => preface },
  'begins HTTP/2 and asks for nothing': {
    doors: h2,
    sends: () => Buffer.concat([Buffer.from(preface), settings]),
  },
  'sends half a request of HTTP/2': {
    doors: h2,
    sends: () => Buffer.concat([Buffer.from(preface), settings, halfHeaders]),
  },
};

/** Stalls, and keeps both directions open for as long as the other side does. */
async function stallAt(door: Door, { raw = false, sends }: Stall): Promise<Socket> {
  const socket = raw ? dialDoor(door) : openDoor(door, door.tls?.client ?? {});
  sockets.push(socket);
  const connected = raw || door.tls === undefined ? 'connect' : 'secureConnect';
  await once(socket, connected);
  socket.resume();
  if (sends !== undefined) socket.write(sends(door));
  return socket;
}

/** Waits until the other side has closed all of them. */
async function passTime(open: ReadonlyMap<string, Socket>): Promise<void> {
  const left = (): string[] => [...open].filter(([, socket]) => !socket.destroyed).map(([name]) => name);
  for (let passedMs = 0; passedMs < maxMs && left().length > 0; passedMs += 5_000) {
    // What the other side is told before it is closed, it has to read first.
    await new Promise((resolve) => setTimeout(resolve, 10));
    clock.advance(5_000);
  }
  await eventually(() => expect(left()).toEqual([]));
}

describe('every port closes a connection whose client', () => {
  it.each(Object.entries(stalls))('%s', async (_name, stall) => {
    const open = new Map<string, Socket>();
    for (const door of all.doors.filter(stall.doors)) open.set(door.name, await stallAt(door, stall));
    expect(open.size).toBeGreaterThan(0);
    await passTime(open);
  });
});

describe('the façade answers 504 when the body of a write does not come', () => {
  const facade = (name: string): Door => {
    const door = all.doors.find((each) => each.name === name);
    if (door === undefined) throw new Error(`there is no ${name}`);
    return door;
  };

  it('over HTTP/1.1, and closes', async () => {
    const stall = stalls['sends a body that never comes'];
    const socket = await stallAt(facade('façade, HTTP/1.1'), stall ?? { doors: every });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await passTime(new Map([['façade', socket]]));
    expect(text).toMatch(/^HTTP\/1\.1 504 Gateway Timeout/);
    expect(text).toContain('Timeout: request did not complete within the allotted timeout');
  });

  it('over HTTP/2, and ends the stream', async () => {
    const door = facade('façade, HTTP/2');
    const socket = openDoor(door, door.tls?.client);
    sockets.push(socket);
    const session = connectHttp2('https://localhost', { createConnection: () => socket });
    session.on('error', () => undefined);
    const stream = session.request(
      { ':method': 'POST', ':path': '/api/v1/namespaces' },
      { endStream: false },
    );
    let status: unknown;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.on('error', () => undefined);
    stream.resume().write('{');
    await passTime(new Map([['façade', socket]]));
    expect(status).toBe(504);
    expect(stream.closed).toBe(true);
  });
});

/** Whether the other side still answers a ping. */
function answers(session: ClientHttp2Session): Promise<boolean> {
  return soon((resolve) => {
    if (session.destroyed || !session.ping((error) => resolve(error === null))) resolve(false);
  }, 'answer to a ping');
}

describe('a stream that is meant to be long stays open for an hour:', () => {
  it('a watch, a tunnel, an agent, a command', async () => {
    const sessions: (readonly [string, ClientHttp2Session])[] = [];
    const paths: Record<string, string> = {
      'façade, HTTP/2': '/api/v1/pods?watch=true&timeoutSeconds=7200',
      'frontends, gRPC over TCP': '/ProxyService/Proxy',
      'frontends, gRPC over a Unix socket': '/ProxyService/Proxy',
      agents: '/AgentService/Connect',
      'kubelet, gRPC': '/konnsim.kubelet.v1.Kubelet/Exec',
    };
    for (const door of all.doors.filter(({ name }) => name in paths)) {
      const socket = openDoor(door, door.tls?.client);
      sockets.push(socket);
      const session = connectHttp2('https://localhost', { createConnection: () => socket });
      session.on('error', () => undefined);
      const isGet = door.name.startsWith('façade');
      const headers = { 'content-type': 'application/grpc', te: 'trailers', agentid: 'a' };
      const method = isGet ? { ':method': 'GET' } : { ':method': 'POST', ...headers };
      const stream = session.request({ ...method, ':path': paths[door.name] }, { endStream: isGet });
      stream.on('error', () => undefined).resume();
      await once(session, 'remoteSettings');
      sessions.push([door.name, session]);
      await answers(session);
    }
    expect(sessions).toHaveLength(5);
    clock.advance(3_600_000);
    // A server that closes the connection does so before it answers a later request.
    const alive = await Promise.all(
      sessions.map(async ([name, session]) => ((await answers(session)) && !session.closed ? [] : [name])),
    );
    expect(alive.flat()).toEqual([]);
  });
});

/**
 * Every file that listens, and the row of the table above that tests its limits, or the reason why it needs no limits.
 */
const listeners: Readonly<Record<string, string>> = {
  'apiserver/http/listener.ts': 'façade',
  'kubelet-stub/tls-port.ts': 'kubelet',
  'kubelet-stub/http-door.ts': 'kubelet',
  'kubelet-stub/grpc-door.ts': 'kubelet',
  'observe/page-server.ts': 'health, admin',
  'wire/connect/connect-listener.ts': 'frontends, CONNECT',
  'wire/grpc/grpc-listener.ts': 'store, observe',
  'wire/net/secure-listener.ts': 'agents, frontends, store, observe',
  'wire/net/socket-listener.ts': 'what the two above listen with',
  'lab/kubelet-client/dial-bridge.ts': 'a socket that only this process knows',
  'lab/cluster-client.ts': 'carries bytes of its user to a pod',
  'lab/pod-network.ts': 'one connection, which it makes itself',
  'links/socket-pairs.ts': 'both ends are of this process; others are refused',
  'links/middlebox.ts': 'a device that knows flows, not requests; --idle-timeout',
  'scenario/webhooks.ts': 'allows all, on the loopback, while a scenario runs',
  'control/start-control.ts': 'control: the limits of node:http; bodies, streams and waits are bounded',
  'containers/programs/main.ts': 'sockets in the folder of a container',
  'containers/programs/web.ts': 'a program in a container',
  'containers/programs/webhook.ts': 'a program in a container',
};

it('every file that listens is in the table of doors', () => {
  const folder = join(import.meta.dirname, '../../src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const listening =
    /\b(createServer|createSecureServer|createHttpServer|createHttpsServer|createTlsServer|new Server)\(/;
  const found = files.filter((name) => listening.test(readFileSync(join(folder, name), 'utf8')));
  expect(found.toSorted()).toEqual(Object.keys(listeners).toSorted());
});
