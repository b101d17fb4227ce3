import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goDial } from '../../src/links/go-dial.js';
import { writeCertificateDirectory } from '../../src/pki/files.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let bench: TunnelBench;

beforeAll(async () => {
  folder = await scratchFolder();
  const certificates = await writeCertificateDirectory(join(folder.path, 'certs'), {
    nodes: [{ name: 'node-1' }],
  });
  bench = await TunnelBench.create({ certificates });
}, 60_000);

afterAll(async () => {
  await bench.close();
  await folder.remove();
});

/** A kubelet that answers whatever it is asked; resolves with its port. */
async function kubelet(): Promise<number> {
  const pair = bench.certificates.kubelets.get('node-1');
  const tls = {
    cert: pair?.certPem,
    key: pair?.keyPem,
    ca: bench.certificates.ca.certPem,
    requestCert: true,
  };
  const server = createServer(tls, (request, response) => response.end(`log of ${request.url}\n`));
  await once(server.listen(0, host), 'listening');
  bench.onClose(async () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function ask(url: string): Promise<{ status: number | undefined; text: string }> {
  const { ca, cert, key } = bench.tls('admin');
  const request = get(url, { ca, cert, key, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, text: (await response.toArray()).join('') };
}

const egress = (proxyProtocol: string, udsName: string): string => `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection: {proxyProtocol: ${proxyProtocol}, transport: {uds: {udsName: ${udsName}}}}
`;

describe('konnsim apiserver --egress-selector-config-file', () => {
  it.each([
    ['GRPC', 'grpc'],
    ['HTTPConnect', 'http-connect'],
  ] as const)('reaches kubelets by %s', async (proxyProtocol, protocol) => {
    const path = join(bench.folder, `${protocol}.sock`);
    const server = await bench.server({ frontends: [{ kind: 'unix', path, protocol }] });
    const kubeletPort = await kubelet();
    await bench.connectedAgent(server, {
      connectEndpoint: (_host, _port, options) =>
        goDial(host, kubeletPort, { ...options, clock: bench.clock }),
    });
    await writeFile(join(folder.path, 'egress.yaml'), egress(proxyProtocol, path));
    const own = ['--certs', 'certs', '--nodes', '1', '--port', '0'];
    const apiserver = new Konnsim(['apiserver', ...own, '--egress-selector-config-file', 'egress.yaml'], {
      cwd: folder.path,
    });
    const [, url = ''] = await apiserver.waitFor(/^apiserver (https:\S+)$/m);
    expect(await ask(`${url}/api/v1/namespaces/default/pods/web-1/log`)).toEqual({
      status: 200,
      text: expect.stringMatching(/^log of \/containerLogs\/default\/web-1\/\S+\n$/),
    });
    expect((await apiserver.stop('SIGTERM')).stderr).not.toMatch(/error/i);
  });

  it.each([
    ['a file that is not there', [], 'egress-selector-config-file egress2.yaml does not exist'],
    ['another way beside it', ['--uds-name', 'x.sock'], 'needs exactly one of'],
  ])('does not start with %s', async (_what, more, text) => {
    const args = ['apiserver', '--certs', 'certs', '--egress-selector-config-file', 'egress2.yaml', ...more];
    const { code, stderr } = await konnsim(args, { cwd: folder.path });
    expect(stderr).toContain(text);
    expect(code).not.toBe(0);
  });

  it('tells what is wrong with the file in kube-apiserver’s words', async () => {
    await writeFile(join(folder.path, 'bad.yaml'), egress('GRCP', '/x'));
    const args = ['apiserver', '--certs', 'certs', '--egress-selector-config-file', 'bad.yaml'];
    const { stderr } = await konnsim(args, { cwd: folder.path });
    expect(stderr).toContain(
      'failed to validate egress selector configuration: service.connection.protocol: Unsupported value: "GRCP": ' +
        'supported values: "Direct", "HTTPConnect", "GRPC"',
    );
  });
});
