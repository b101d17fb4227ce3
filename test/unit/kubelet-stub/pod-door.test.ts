import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { podAddresses, podSegment } from '../../../src/agent/pod-segment.js';
import { createSandboxRuntime, type SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { ManualClock } from '../../../src/core/clock.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { openPodDoor } from '../../../src/kubelet-stub/pod-door.js';
import type { TlsPort } from '../../../src/kubelet-stub/tls-port.js';
import { createNodeNetwork } from '../../../src/links/node-network.js';
import { type CertificateSet, createCertificateSet, leafTls } from '../../../src/pki/certificate-set.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import type { TlsFiles } from '../../../src/wire/net/tls.js';
import { once, soon } from '../../support/waits.js';
import { clock } from './bench.js';
import { podOf } from './process-support.js';

const host = '127.0.0.1';
const podIP = '10.244.1.10';
/** Outside of the addresses that exist only in node networks. */
const strangeIP = '192.168.77.5';
const nodeIP = '10.0.1.11';
const cidr = '10.244.1.0/24';

let certificates: CertificateSet;
let stranger: CertificateSet;
let runtime: SandboxRuntime;
let doorClock: ManualClock;
let door: TlsPort;

beforeAll(async () => {
  const nodes = [{ name: 'node-1', ipAddresses: [host] }, { name: 'node-2' }];
  certificates = await createCertificateSet({ nodes });
  stranger = await createCertificateSet({ nodes });
});

beforeEach(async () => {
  const pod = podOf({ image: 'konnsim/echo', ports: [{ containerPort: 7 }] });
  const pods = [{ ...pod, status: { ...pod.status, podIP } }];
  const options = { nodeName: 'node-1', clock, random: createRandom(1), emit: ignoreEvents };
  runtime = createSandboxRuntime({ ...options, pods });
  doorClock = new ManualClock();
  door = await openDoor();
});
afterEach(async () => {
  await door.close();
  await runtime.close();
});

function openDoor(own = kubelet('node-1')): Promise<TlsPort> {
  const clientCa = certificates.authorities['agent-ca'].certPem;
  const tls = { cert: own.certPem, key: own.keyPem, clientCa };
  return openPodDoor({ host, port: 0, tls, runtime, clock: doorClock });
}

function kubelet(node: string, of = certificates): KeyPair {
  const pair = of.kubelets.get(node);
  if (pair === undefined) throw new Error(`no certificate for ${node}`);
  return pair;
}

function agentTls(of = certificates): TlsFiles {
  const { cert, key } = leafTls(of, 'agent');
  return { ca: certificates.ca.certPem, cert, key };
}

/** Dials as an agent does. */
function dial(
  ip: string,
  port: number,
  { to = door.address, tls = agentTls(), onTrouble = (_text: string): void => undefined } = {},
): Promise<Socket> {
  const network = createNodeNetwork({ clock });
  network.register(nodeIP, 10250, 'silence');
  network.addSegment(podSegment({ cidr, door: to, tls, clock, nodeAddresses: [nodeIP], onTrouble }));
  return network.connect(ip, port);
}

describe('the pods of a kubelet, for an agent in another process', () => {
  it('are reached at their addresses, both ways and with a half-close', async () => {
    const bytes = Buffer.alloc(300_000, 'konnectivity');
    const socket = await dial(podIP, 7);
    socket.end(bytes);
    expect((await buffer(socket)).equals(bytes)).toBe(true);
  });

  it.each([
    ['a port that nobody listens on', podIP, 8, `dial tcp ${podIP}:8: connect: connection refused`],
    ['an address without a pod', '10.244.1.9', 7, 'dial tcp 10.244.1.9:7: connect: no route to host'],
    ['an address of another node', '10.244.2.9', 7, 'dial tcp 10.244.2.9:7: connect: no route to host'],
  ])('are dialled in Go’s words: %s', async (_what, ip, port, message) => {
    await expect(dial(ip, port)).rejects.toMatchObject({ code: 'DIAL_FAILED', message });
  });

  it('are gone with their kubelet', async () => {
    await door.close();
    await expect(dial(podIP, 7)).rejects.toMatchObject({
      message: `dial tcp ${podIP}:7: connect: no route to host`,
    });
    door = await openDoor();
  });

  it('are not taken from a kubelet of another CA, nor from another port; the agent says why', async () => {
    const other = await openDoor(kubelet('node-1', stranger));
    const wrong = createServer((socket) => void socket.on('error', () => undefined).end('SSH-2.0-x\r\n'));
    await once(wrong.listen(0, host), 'listening');
    const troubles: string[] = [];
    for (const to of [other.address, wrong.address() as AddressInfo])
      await expect(
        dial(podIP, 7, { to: { host, port: to.port }, onTrouble: (said) => troubles.push(said) }),
      ).rejects.toMatchObject({ message: `dial tcp ${podIP}:7: connect: no route to host` });
    expect(troubles).toEqual([
      expect.stringMatching(/^pod network at 127\.0\.0\.1:\d+: unable to verify/),
      expect.stringMatching(/^pod network at 127\.0\.0\.1:\d+: .+/),
    ]);
    await other.close();
    wrong.close();
  });

  it('with hostNetwork share the address of their node, and the one that listens answers', async () => {
    for (const [uid, port] of [
      ['one', 8081],
      ['two', 8082],
    ] as const) {
      const pod = podOf({ image: 'konnsim/echo', ports: [{ containerPort: port }] });
      const metadata = { ...pod.metadata, uid, name: uid };
      runtime.addPod({ ...pod, metadata, status: { ...pod.status, podIP: nodeIP } });
    }
    for (const port of [8081, 8082]) {
      const socket = await dial(nodeIP, port);
      socket.end('here');
      expect(await text(socket)).toBe('here');
    }
    await expect(dial(nodeIP, 8083)).rejects.toMatchObject({
      message: `dial tcp ${nodeIP}:8083: connect: connection refused`,
    });
  });

  it('may have addresses of any range', async () => {
    const network = createNodeNetwork({ clock });
    network.addSegment(podSegment({ cidr: '192.168.77.0/24', door: door.address, tls: agentTls(), clock }));
    await expect(network.connect(strangeIP, 7)).rejects.toMatchObject({
      message: `dial tcp ${strangeIP}:7: connect: no route to host`,
    });
  });

  it('end their connections with the door', async () => {
    const socket = await dial(podIP, 7);
    const closed = soon((resolve) => socket.once('close', resolve), 'end of the connection');
    socket.on('error', () => undefined).resume();
    await door.close();
    await closed;
    door = await openDoor();
  });
});

describe('the port of the pods', () => {
  /** All that comes from the port when a client names a pod. */
  async function answer(options: ConnectionOptions): Promise<string> {
    const socket = connectTls({ ...door.address, ca: certificates.ca.certPem, ...options });
    const errors = soon<string>(
      (resolve) => socket.once('close', () => resolve('')),
      'end of the connection',
    );
    socket.on('error', () => undefined);
    socket.end(`${podIP}:7\n`);
    return Promise.race([text(socket).catch(() => ''), errors]);
  }

  it('gives no byte to a client without a certificate for agents', async () => {
    const pairOf = (leaf: Parameters<typeof leafTls>[1], of = certificates) => leafTls(of, leaf);
    const own = kubelet('node-1');
    const shown: ConnectionOptions[] = [
      {},
      pairOf('agent', stranger),
      pairOf('frontend-client'),
      pairOf('admin'),
      pairOf('server'),
      pairOf('observer'),
      { cert: own.certPem, key: own.keyPem },
    ].map(({ cert, key }: ConnectionOptions) => ({ cert, key }));
    for (const options of shown) expect(await answer(options)).toBe('');
    const { cert, key } = agentTls();
    expect(await answer({ cert, key })).toBe('open\n');
  });

  it.each([
    ['no TLS', false, ''],
    ['no line', true, ''],
    ['half a line', true, podIP],
    ['a line without a pod, and stays after the answer', true, '10.244.1.9:7\n'],
  ])('ends a connection that brings %s in time', async (_what, secure, bytes) => {
    const to = { ...door.address, allowHalfOpen: true };
    const socket = secure ? connectTls({ ...to, ...agentTls() }) : connectTcp(to);
    socket.on('error', () => undefined).resume();
    await once(socket, secure ? 'secureConnect' : 'connect');
    socket.write(bytes);
    if (bytes.endsWith('\n')) await once(socket, 'data');
    await expect.poll(() => door.openConnections).toBe(1);
    // The door may still have to notice the end of the handshake, or the line.
    await expect
      .poll(() => {
        doorClock.advance(5001);
        return door.openConnections;
      })
      .toBe(0);
    socket.destroy();
  });

  it('ends a connection with a line that is too long', async () => {
    const socket = connectTls({ ...door.address, ...agentTls() });
    socket.on('error', () => undefined).resume();
    const closed = soon((resolve) => socket.once('close', resolve), 'end of the connection');
    socket.write('1'.repeat(1000));
    await closed;
  });
});

describe('the addresses that an agent names for pods', () => {
  it('are all of the range', () => {
    expect(podAddresses('10.244.1.6/30')).toEqual(['10.244.1.4', '10.244.1.5', '10.244.1.6', '10.244.1.7']);
    expect(podAddresses(cidr)).toHaveLength(256);
    for (const bad of ['', '10.244.0.0/16', '10.244.1.0', 'fd00::/24', '10.244.1.0/33']) {
      expect(podAddresses(bad)).toEqual([]);
    }
  });
});
