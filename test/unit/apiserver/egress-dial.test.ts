import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectEndpoint } from '../../../src/agent/options.js';
import { loadEgressSelector } from '../../../src/apiserver/egress/load.js';
import type { EgressSelector } from '../../../src/apiserver/egress/selector.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { nothingFaithful } from '../../../src/core/faithful.js';
import { type CertificateSet, createCertificateSet } from '../../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../../src/server/server.js';
import { host, TunnelBench } from '../../support/tunnel-bench.js';
import { once } from '../../support/waits.js';
import { call, startTestApi } from './fixture.js';
import { node, pod } from './objects.js';

let certificates: CertificateSet;
let bench: TunnelBench;
let server: ProxyServer;
let kubelet: Server;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates });
  const tls = bench.tls('server-frontend');
  server = await bench.server({
    frontends: [
      { kind: 'unix', path: join(bench.folder, 'grpc.sock') },
      { kind: 'unix', path: join(bench.folder, 'connect.sock'), protocol: 'http-connect' },
      { kind: 'tcp', host, port: 0, tls, protocol: 'http-connect' },
    ],
  });
  const { ca, cert, key } = bench.tls('frontend-client');
  const files = { 'ca.crt': ca, 'client.crt': cert, 'client.key': key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(bench.folder, name), text);
  kubelet = await startKubelet((response) => response.end('hello\n'));
});

afterEach(() => bench.close());

async function startKubelet(answer: (response: ServerResponse) => void): Promise<Server> {
  const pair = await certificates.ca.issue({
    ...{ commonName: 'system:node:node-1', usages: ['server'], ipAddresses: [host] },
  });
  const tls = { cert: pair.certPem, key: pair.keyPem, ca: certificates.ca.certPem, requestCert: true };
  const https = createServer({ ...tls, rejectUnauthorized: true }, (_request, response) => answer(response));
  await once(https.listen(0, host), 'listening');
  bench.onClose(async () => {
    https.closeAllConnections();
    https.close();
  });
  return https;
}

const portOf = (https: Server): number => (https.address() as AddressInfo).port;

interface Way {
  readonly proxyProtocol: string;
  readonly transport?: object;
  /** How kube-apiserver names the proxy in errors. */
  readonly proxy: string;
}

const ways = {
  'GRPC over a Unix socket': (): Way => {
    const udsName = join(bench.folder, 'grpc.sock');
    return { proxyProtocol: 'GRPC', transport: { uds: { udsName } }, proxy: udsName };
  },
  'HTTPConnect over a Unix socket': (): Way => {
    const udsName = join(bench.folder, 'connect.sock');
    return { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName } }, proxy: udsName };
  },
  'HTTPConnect over TCP with mTLS': (): Way => tcpWay(),
  Direct: (): Way => ({ proxyProtocol: 'Direct', proxy: '' }),
} as const;

function tcpWay(over: object = {}, address = server.frontendAddresses[2] ?? ''): Way {
  const file = (name: string): string => join(bench.folder, name);
  const tlsConfig = {
    caBundle: file('ca.crt'),
    clientCert: file('client.crt'),
    clientKey: file('client.key'),
  };
  const tcp = { url: `https://${address}`, tlsConfig: { ...tlsConfig, ...over } };
  return { proxyProtocol: 'HTTPConnect', transport: { tcp }, proxy: address };
}

async function selector({ proxy: _proxy, ...connection }: Way): Promise<EgressSelector> {
  const path = join(bench.folder, 'egress.yaml');
  const head = 'apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\n';
  await writeFile(path, `${head}egressSelections: ${JSON.stringify([{ name: 'cluster', connection }])}\n`);
  const egress = await loadEgressSelector(path, {
    ...{ clock: bench.clock, random: bench.random, emit: ignoreEvents },
    ...{ name: 'apiserver/test', serverName: 'server/s1', faithful: nothingFaithful },
  });
  bench.onClose(() => egress.close());
  return egress;
}

/** GETs the log of a pod from an API façade that reaches kubelets this way. */
async function logs(way: Way, kubeletPort = portOf(kubelet)): Promise<{ status: number; text: string }> {
  const { ca, leaves } = certificates;
  const test = await startTestApi(
    { ca, serving: leaves.apiserver, admin: leaves.admin, kubeletClient: leaves['apiserver-kubelet-client'] },
    {
      egress: await selector(way),
      clock: bench.clock,
      objects: {
        nodes: [node('node-1', kubeletPort, [{ type: 'InternalIP', address: host }])],
        pods: [pod({ name: 'web' })],
      },
    },
  );
  const answer = await call(test, '/api/v1/namespaces/default/pods/web/log');
  await test.close();
  return {
    status: answer.status,
    text: answer.status === 200 ? answer.text : (answer.json()['message'] as string),
  };
}

const url = (port = portOf(kubelet)): string => `https://${host}:${port}/containerLogs/default/web/main`;

describe.each(Object.entries(ways))('%s', (name, makeWay) => {
  const direct = name === 'Direct';
  const grpc = name.startsWith('GRPC');

  it('brings logs from a kubelet', async () => {
    if (!direct) await bench.connectedAgent(server);
    expect(await logs(makeWay())).toEqual({ status: 200, text: 'hello\n' });
  });

  it.skipIf(direct)('without an agent fails in kube-apiserver’s words', async () => {
    const way = makeWay();
    const text = `proxy error from ${way.proxy} while dialing ${host}:${portOf(kubelet)}, code 500: 500 Internal Server Error`;
    const said = grpc ? 'No agent available' : text;
    expect(await logs(way)).toEqual({ status: 500, text: `Get "${url()}": ${said}` });
  });

  it('to a closed port fails in kube-apiserver’s words', async () => {
    if (!direct) await bench.connectedAgent(server);
    const way = makeWay();
    const refused = `dial tcp ${host}:1: connect: connection refused`;
    const proxyError = `proxy error from ${way.proxy} while dialing ${host}:1, code 502: 502 Bad Gateway`;
    const said = grpc || direct ? refused : proxyError;
    expect(await logs(way, 1)).toEqual({ status: 500, text: `Get "${url(1)}": ${said}` });
  });

  it.skipIf(direct)('without a proxy-server fails in kube-apiserver’s words', async () => {
    const way = makeWay();
    await server.stop();
    const network = name.includes('TCP') ? 'tcp' : 'unix';
    const reason = network === 'tcp' ? 'connection refused' : 'no such file or directory';
    const failure = `dial ${network} ${way.proxy}: connect: ${reason}`;
    const deadline = 'context deadline exceeded: connection error: desc = "transport: Error while dialing: ';
    const said = grpc ? `${deadline}${failure}"` : failure;
    expect(await logs(way)).toEqual({ status: 500, text: `Get "${url()}": ${said}` });
  });

  it.skipIf(direct)('whose proxy-server ends in mid-dial fails in kube-apiserver’s words', async () => {
    const silence: ConnectEndpoint = (_host, _port, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('given up')));
      });
    await bench.connectedAgent(server, { connectEndpoint: silence });
    const way = makeWay();
    const asked = logs(way);
    await bench.waitFor({ kind: 'endpoint.dialing' });
    await server.stop();
    const { text } = await asked;
    const reading = `reading HTTP response from CONNECT to ${host}:${portOf(kubelet)} via proxy ${way.proxy} failed: `;
    if (grpc) expect(text).toBe(`Get "${url()}": tunnel closed`);
    else expect(text).toMatch(`Get "${url()}": ${reading}`);
  });
});

describe('HTTPConnect over TCP', () => {
  const dial = async (way: Way): Promise<unknown> => (await selector(way)).dialer('cluster').dial(host, 1);

  it('checks the proxy-server against tlsServerName', async () => {
    await bench.connectedAgent(server);
    await expect(dial(tcpWay({ tlsServerName: 'localhost' }))).rejects.toMatchObject({ code: 'DIAL_FAILED' });
    await expect(dial(tcpWay({ tlsServerName: 'proxy.example' }))).rejects.toMatchObject({
      code: 'TLS_REJECTED',
      message: expect.stringMatching(
        /^tls: failed to verify certificate: x509: certificate is valid for .*, not proxy\.example$/,
      ),
    });
  });

  it('does not trust a proxy-server of another CA', async () => {
    const other = await createCertificateSet();
    await writeFile(join(bench.folder, 'other.crt'), other.ca.certPem);
    await expect(dial(tcpWay({ caBundle: join(bench.folder, 'other.crt') }))).rejects.toMatchObject({
      code: 'TLS_REJECTED',
      message: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    });
  });

  it('without a port in its URL fails at the dial, as in Go', async () => {
    await expect(dial(tcpWay({}, 'proxy.example'))).rejects.toMatchObject({
      message: 'dial tcp: address proxy.example: missing port in address',
    });
  });

  it('with an unknown host reports that', async () => {
    await expect(dial(tcpWay({}, 'nobody.invalid:1'))).rejects.toMatchObject({
      message: expect.stringMatching(
        /^dial tcp: lookup nobody\.invalid: (no such host|Temporary failure in name resolution)$/,
      ),
    });
  });
});
