import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import { startApiServer } from '../../src/apiserver/api-server.js';
import { createObjectStore } from '../../src/apiserver/store/object-store.js';
import { readEvents } from '../../src/cli/admin/observe-client.js';
import { startObserveService } from '../../src/cli/admin/observe-service.js';
import { createSandboxRuntime } from '../../src/containers/sandbox-runtime.js';
import { joinHostPort, splitHostPort } from '../../src/core/address.js';
import { ignoreEvents } from '../../src/core/events.js';
import { startKubelet } from '../../src/kubelet-stub/kubelet.js';
import { openPodDoor } from '../../src/kubelet-stub/pod-door.js';
import { createTopology } from '../../src/lab/topology.js';
import {
  type AuthorityName,
  authorityNames,
  type CertificateSet,
  createCertificateSet,
  leafTls,
  type RoleLeaf,
  roleLeaves,
  usagesOf,
} from '../../src/pki/certificate-set.js';
import type { KeyPair } from '../../src/pki/key-pair.js';
import type { KeyUsage } from '../../src/pki/subject.js';
import { kubeletService } from '../../src/wire/grpc/proto.js';
import type { ClientTls, TlsFiles } from '../../src/wire/net/tls.js';
import { issueWithSubject } from './odd-subjects.js';
import { host, TunnelBench } from './tunnel-bench.js';
import { once, soon } from './waits.js';

export type PortName =
  | 'frontend'
  | 'connect'
  | 'agent'
  | 'admin'
  | 'api'
  | 'kubeletHttp'
  | 'kubeletGrpc'
  | 'pods';

/** Undefined shows no certificate. */
type Shown = KeyPair | undefined;

const certificateAuthority: Readonly<Record<PortName, AuthorityName>> = {
  frontend: 'frontend-ca',
  connect: 'frontend-ca',
  agent: 'agent-ca',
  admin: 'observe-ca',
  api: 'ca',
  kubeletHttp: 'ca',
  kubeletGrpc: 'ca',
  pods: 'ca',
};

/** Every port with mutual TLS, as its part opens it, and certificates of all kinds to show there. */
export class PortsUnderTest {
  private readonly bench: TunnelBench;
  private readonly addresses: Readonly<Record<PortName, string>>;
  private readonly held: ReadonlyMap<string, readonly Shown[]>;
  private readonly echoPort: number;

  private constructor(
    bench: TunnelBench,
    made: {
      addresses: PortsUnderTest['addresses'];
      held: PortsUnderTest['held'];
      echoPort: number;
    },
  ) {
    this.bench = bench;
    this.addresses = made.addresses;
    this.held = made.held;
    this.echoPort = made.echoPort;
  }

  static async open(): Promise<PortsUnderTest> {
    const nodes = [{ name: 'node-1', ipAddresses: [host] }];
    const certificates = await createCertificateSet({ nodes });
    const bench = await TunnelBench.create({ certificates });
    const addresses = { ...(await openTunnel(bench)), ...(await openCluster(bench)) };
    const held = await certificatesOf(certificates);
    return new PortsUnderTest(bench, { addresses, held, echoPort: await bench.echo() });
  }

  get certificateNames(): readonly string[] {
    return [...this.held.keys()];
  }

  /** All certificates of a kind. */
  certificates(name: string): readonly Shown[] {
    const found = this.held.get(name);
    if (found === undefined) throw new Error(`there is no certificate for "${name}"`);
    return found;
  }

  /** What a port does for the holder of a certificate, in the words of docs/security.md. */
  async knock(port: PortName, shown: Shown): Promise<string> {
    const { certPem: ca } = this.bench.certificates.authorities[certificateAuthority[port]];
    const tls = shown === undefined ? { ca } : { ca, cert: shown.certPem, key: shown.keyPem };
    switch (port) {
      case 'connect':
        return this.connectDoor(tls);
      case 'api':
        return this.api(tls);
      case 'kubeletHttp':
        return statusWord(await ask(this.addresses.kubeletHttp, tls, '/configz'));
      case 'kubeletGrpc':
        return this.kubeletGrpc(tls);
      case 'pods':
        return this.podDoor(tls);
      default:
        if (!(await this.greets(this.addresses[port], tls)) || tls.cert === undefined) return 'refused';
        return this.use(port, tls as TlsFiles);
    }
  }

  close(): Promise<void> {
    return this.bench.close();
  }

  /** Whether an HTTP/2 server lets the client in: a TLS 1.3 client hears of it with the first bytes only. */
  private async greets(address: string, tls: ConnectionOptions): Promise<boolean> {
    const socket = open(address, { ...tls, ALPNProtocols: ['h2'] });
    const greeted = await firstBytes(socket);
    socket.destroy();
    return greeted !== '';
  }

  private async use(port: 'frontend' | 'agent' | 'admin', tls: TlsFiles): Promise<string> {
    const { bench } = this;
    const [server] = bench.servers;
    if (server === undefined) throw new Error('there is no server');
    if (port === 'admin') {
      const { signal } = new AbortController();
      const told = { joined: ignore, batch: ignore, signal, follow: false, packets: false };
      await readEvents({ address: this.addresses.admin, tls, wallNowMs: () => Date.now() }, told);
      return 'reads events';
    }
    if (port === 'agent') {
      const before = server.snapshot().backends;
      const agent = await bench.connectedAgent(server, { tls });
      const after = server.snapshot().backends;
      await agent.stop();
      return after === before + 1 ? 'is an agent' : 'is let in';
    }
    const stream = await bench.client(server, { tcp: true, tls }).dial(host, this.echoPort);
    stream.destroy();
    return 'dials through agents';
  }

  private async connectDoor(tls: ConnectionOptions): Promise<string> {
    const socket = open(this.addresses.connect, { ...tls, ALPNProtocols: ['http/1.1'] });
    const target = `${host}:${this.echoPort}`;
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    const answer = await firstBytes(socket);
    socket.destroy();
    if (answer === '') return 'refused';
    return answer.startsWith('HTTP/1.1 200') ? 'dials through agents' : answer;
  }

  private async podDoor(tls: ConnectionOptions): Promise<string> {
    const socket = open(this.addresses.pods, tls);
    socket.write('10.244.1.2:80\n');
    const answer = await firstBytes(socket);
    socket.destroy();
    if (answer === '') return 'refused';
    return answer === 'no such pod\n' ? 'reaches pods' : answer;
  }

  private async api(tls: ConnectionOptions): Promise<string> {
    const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { code, body } = await ask(this.addresses.api, tls, review, 'POST');
    if (code !== 201) return String(code);
    const secrets = await ask(this.addresses.api, tls, '/api/v1/secrets');
    const { username, groups } = (body as { status: { userInfo: { username: string; groups: string[] } } })
      .status.userInfo;
    const master = groups.includes('system:masters') && secrets.code === 200;
    if (!master && secrets.code !== 403) return `secrets: ${secrets.code}`;
    return master ? 'system:masters' : username;
  }

  private async kubeletGrpc({ ca, cert, key }: ClientTls): Promise<string> {
    const [root, shownKey, shownCert] = [ca, key, cert].map((pem) =>
      pem === undefined ? null : Buffer.from(pem),
    );
    const secure = credentials.createSsl(root ?? null, shownKey, shownCert);
    const Stub = kubeletService();
    const stub = new Stub(this.addresses.kubeletGrpc, secure, {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.use_local_subchannel_pool': 1,
    });
    const code = await soon<number>((resolve) => {
      stub.ListPods({}, (error) => resolve(error?.code ?? status.OK));
    }, 'answer to ListPods');
    stub.close();
    if (code === status.UNAUTHENTICATED) return '401';
    return code === status.OK ? 'everything' : `status ${code}`;
  }
}

const ignore = (): undefined => undefined;

const statusWord = ({ code }: { code: number }): string => (code === 200 ? 'everything' : String(code));

async function openTunnel(bench: TunnelBench) {
  const tls = bench.tls('server-frontend');
  const server = await bench.server({
    frontends: [
      { kind: 'unix', path: `${bench.folder}/frontends.sock` },
      { kind: 'tcp', host, port: 0, tls },
      { kind: 'tcp', host, port: 0, tls, protocol: 'http-connect' },
    ],
  });
  await bench.connectedAgent(server);
  const admin = await startObserveService({
    endpoint: { kind: 'tcp', host, port: 0, tls: bench.tls('observe') },
    source: bench.journal,
    clock: bench.clock,
    wallNowMs: () => Date.now(),
    wallMsAt: () => Date.now(),
    run: 'one',
    where: 'admin port',
  });
  bench.onClose(() => admin.close());
  const [, frontend = '', connectDoor = ''] = server.frontendAddresses;
  return { frontend, connect: connectDoor, agent: server.agentAddress, admin: admin.address };
}

async function openCluster(bench: TunnelBench) {
  const { clock, random, certificates } = bench;
  const { ca: clientCa, cert, key } = bench.tls('apiserver');
  const { objects } = createTopology({ nodes: 1, random, nowMs: Date.now(), kubernetesVersion: '1.33.1' });
  const [server] = bench.servers;
  if (server === undefined) throw new Error('there is no server');
  const facade = await startApiServer({
    ...{ clock, random, emit: ignoreEvents, dialer: bench.client(server) },
    tls: { clientCa, cert, key },
    store: createObjectStore(objects, clock),
    kubeletTls: bench.tls('apiserver-kubelet-client'),
  });
  bench.onClose(() => facade.close());
  const nodeName = 'node-1';
  const runtime = createSandboxRuntime({ clock, random, nodeName, pods: [], emit: ignoreEvents });
  bench.onClose(() => runtime.close());
  const own = certificates.kubelets.get(nodeName);
  const tls = { clientCa, cert: own?.certPem ?? '', key: own?.keyPem ?? '' };
  const kubelet = await startKubelet({ nodeName, tls, runtime, clock, emit: ignoreEvents });
  bench.onClose(() => kubelet.close());
  const address = joinHostPort(kubelet.address.host, kubelet.address.port);
  const clientAuthority = certificates.authorities['agent-ca'].certPem;
  const door = await openPodDoor({
    host,
    port: 0,
    tls: { ...tls, clientCa: clientAuthority },
    runtime,
    clock,
  });
  bench.onClose(() => door.close());
  const pods = joinHostPort(door.address.host, door.address.port);
  return { api: facade.address, kubeletHttp: address, kubeletGrpc: address, pods };
}

/** All that `konnsim certs` writes, so that none is forgotten here. */
const leavesFor = (usage: KeyUsage): readonly RoleLeaf[] =>
  (Object.keys(roleLeaves) as RoleLeaf[]).filter((leaf) => usagesOf(leaf).includes(usage));
const serverLeaves = leavesFor('server');
const clientLeaves = leavesFor('client');

async function certificatesOf(set: CertificateSet): Promise<ReadonlyMap<string, readonly Shown[]>> {
  const stranger = await createCertificateSet({ nodes: [{ name: 'node-1' }] });
  const pair = (leaf: RoleLeaf, of = set): KeyPair => {
    const { cert, key } = leafTls(of, leaf);
    return { certPem: cert, keyPem: key };
  };
  const user = await set.ca.issue({ commonName: 'jane', organizations: ['dev'], usages: ['client'] });
  const nameless = await issueWithSubject(set.ca, authorityNames.ca, [{ type: 'O', text: 'system:masters' }]);
  return new Map<string, readonly Shown[]>([
    ...clientLeaves.map((leaf) => [`\`${leaf}\``, [pair(leaf)]] as const),
    ['`kubelet-node-1`', [set.kubelets.get('node-1')]],
    ["a user's", [user]],
    ['a nameless one', [nameless]],
    ["a server's", serverLeaves.map((leaf) => pair(leaf))],
    ['of another CA', [...clientLeaves.map((leaf) => pair(leaf, stranger)), stranger.kubelets.get('node-1')]],
    ['none', [undefined]],
  ]);
}

function open(address: string, options: ConnectionOptions): TLSSocket {
  const socket = connect({ ...splitHostPort(address), ...options });
  socket.on('error', () => undefined);
  return socket;
}

/** What comes first, or nothing when the connection ends before. */
async function firstBytes(socket: TLSSocket): Promise<string> {
  const ended = soon<string>((resolve) => socket.once('close', () => resolve('')), 'end of the connection');
  const bytes = soon<string>(
    (resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    'first bytes',
  );
  return Promise.race([bytes, ended]);
}

async function ask(
  address: string,
  tls: ConnectionOptions,
  path: string,
  method = 'GET',
): Promise<{ code: number; body: unknown }> {
  const sent = request({ ...splitHostPort(address), ...tls, path, method, agent: false });
  sent.end(method === 'POST' ? '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' : '');
  const [response] = await once(sent, 'response');
  const body = await json(response).catch(() => undefined);
  return { code: response.statusCode, body };
}
