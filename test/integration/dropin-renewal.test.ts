import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCertificateSet } from '../../src/pki/certificate-set.js';
import { writeCertificateDirectory } from '../../src/pki/files.js';
import { writeFilesAtomically } from '../../src/pki/text-files.js';
import { DropinBench } from '../support/dropin.js';
import { Konnsim } from '../support/konnsim.js';
import { once } from '../support/waits.js';

const host = '127.0.0.1';
let bench: DropinBench;

beforeEach(async () => {
  bench = await DropinBench.open();
});
afterEach(() => bench.close());

/** The serial number of the certificate that is shown at a port. */
async function shownAt(port: number): Promise<string> {
  const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** The serial number of the certificate in a file. */
async function serialIn(name: string): Promise<string> {
  return new X509Certificate(await readFile(bench.file(name))).serialNumber;
}

describe('proxy-server and proxy-agent', () => {
  it('take renewed certificates and another CA without a restart', async () => {
    const { server, agent } = await bench.both({ 'cluster-ca-cert': bench.file('agent-ca.crt') });
    const second = await createCertificateSet();
    const files = [
      ['agent-ca.crt', second.authorities['agent-ca'].certPem],
      ...(['server', 'agent'] as const).flatMap((leaf) => [
        [`${leaf}.crt`, second.leaves[leaf].certPem],
        [`${leaf}.key`, second.leaves[leaf].keyPem],
      ]),
    ];
    await writeFilesAtomically(
      bench.folder,
      files.map(([name = '', text = '']) => ({ path: bench.file(name), text, mode: 0o600 })),
    );
    await server.waitFor(/^I.*server\/s1 {2}certificates\.renewed/m);
    await agent.waitFor(/^I.*agent\/a1 {2}certificates\.renewed/m);
    expect(await shownAt(bench.ports.agents)).toBe(await serialIn('server.crt'));
    const { stderr } = await server.stop('SIGTERM');
    expect(stderr.split('Shutting down')[0]).not.toContain('backend.disconnected');
    const next = bench.start('proxy-server', bench.serverFlags());
    await next.waitFor(/backend\.connected/);
  });

  it('say that renewed files are bad, with a code, and go on', async () => {
    const { server } = await bench.both();
    const before = await serialIn('server.crt');
    await writeFilesAtomically(bench.folder, [{ path: bench.file('server.key'), text: '', mode: 0o600 }]);
    await server.waitFor(
      /^W.*certificates\.rejected .*server\.key.* code=CERT_INVALID {2}error="the key is empty"/m,
    );
    expect(await shownAt(bench.ports.agents)).toBe(before);
  });

  it.each([
    ['proxy-server', { 'cluster-key': 'agent.key' }],
    ['proxy-agent', { 'agent-key': 'server.key' }],
  ] as const)('%s does not start with a key of another certificate', async (program, wrong) => {
    const [[flag, file]] = Object.entries(wrong) as [[string, string]];
    const flags = program === 'proxy-server' ? bench.serverFlags() : bench.agentFlags();
    const { code, stderr } = await bench.start(program, { ...flags, [flag]: bench.file(file) }).finished();
    expect(stderr).toMatch(/key values mismatch.*\[CERT_INVALID\]/);
    expect(code).toBe(1);
  });
});

describe('konnsim server', () => {
  it('takes renewed certificates, too', async () => {
    const role = new Konnsim(
      ['server', '--certs', bench.folder, '--uds-name', bench.socket, '--agent-port', '0'],
      {
        cwd: bench.folder,
      },
    );
    try {
      const [, port] = await role.waitFor(/agents 127\.0\.0\.1:(\d+)/);
      await writeCertificateDirectory(bench.folder, { force: true });
      await role.waitFor(/certificates\.renewed/);
      expect(await shownAt(Number(port))).toBe(await serialIn('server.crt'));
    } finally {
      await role.stop();
    }
  });
});

describe('proxy-agent', () => {
  it('offers what --alpn-proto names, and leaves a server that goes after --probe-interval', async () => {
    const offered: (readonly string[])[] = [];
    const sessions = new Set<ServerHttp2Session>();
    const server = createSecureServer({
      cert: await readFile(join(bench.folder, 'server.crt')),
      key: await readFile(join(bench.folder, 'server.key')),
      ALPNCallback: ({ protocols }: { protocols: string[] }) => {
        offered.push(protocols);
        return 'h2';
      },
    });
    server.on('session', (session) => sessions.add(session.on('error', () => undefined)));
    server.on('stream', (stream) => {
      stream.on('error', () => undefined).resume();
      stream.respond({ 'content-type': 'application/grpc', serverid: 's1', servercount: '1' });
    });
    server.listen(bench.ports.agents, host);
    await once(server, 'listening');
    try {
      const flags = bench.agentFlags({ 'alpn-proto': 'x/1,x/2', 'probe-interval': '100ms' });
      const agent = bench.start('proxy-agent', flags);
      await agent.waitFor(/agent\.connected/);
      expect(offered[0]).toEqual(['x/1', 'x/2', 'h2']);
      for (const session of sessions) session.goaway(0);
      await agent.waitFor(/agent\.disconnected .*the connection is not ready/);
    } finally {
      for (const session of sessions) session.destroy();
      server.close();
    }
  });
});
