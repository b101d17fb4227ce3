import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEgressSelector } from '../../../src/apiserver/egress/load.js';
import { parseEgressConfiguration } from '../../../src/apiserver/egress/parse.js';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { nothingFaithful } from '../../../src/core/faithful.js';
import { createRandom } from '../../../src/core/random.js';
import { createAuthority } from '../../../src/pki/authority.js';

const context = {
  ...{ clock: new ManualClock(), random: createRandom(1), emit: ignoreEvents },
  ...{ name: 'apiserver/test', serverName: 'server/test', faithful: nothingFaithful },
};

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ks-'));
  const ca = await createAuthority();
  const pair = await ca.issue({ commonName: 'kas', usages: ['client'] });
  await writeFile(at('ca.crt'), ca.certPem);
  await writeFile(at('client.crt'), pair.certPem);
  await writeFile(at('client.key'), pair.keyPem);
  await writeFile(at('no.pem'), 'hello');
});

afterAll(() => rm(folder, { recursive: true }));

const head = (version = 'v1beta1'): string =>
  `apiVersion: apiserver.k8s.io/${version}\nkind: EgressSelectorConfiguration\n`;

/** A file with one selection for each connection, named `cluster`, `controlplane`, `etcd`. */
function file(...connections: object[]): string {
  const names = ['cluster', 'controlplane', 'etcd'];
  const egressSelections = connections.map((connection, index) => ({ name: names[index], connection }));
  return `${head()}egressSelections: ${JSON.stringify(egressSelections)}\n`;
}

async function load(text: string): Promise<Awaited<ReturnType<typeof loadEgressSelector>>> {
  await writeFile(at('egress.yaml'), text);
  return loadEgressSelector(at('egress.yaml'), context);
}

async function refusal(text: string): Promise<string> {
  const error: unknown = await load(text).then(
    () => 'accepted',
    (caught: unknown) => caught,
  );
  if (!(error instanceof TunnelError)) throw new Error(String(error));
  expect(error.code).toBe('CONFIG_INVALID');
  return error.message;
}

const grpc = (udsName = '/run/k.sock') => ({ proxyProtocol: 'GRPC', transport: { uds: { udsName } } });
const tcp = (url: string, tlsConfig?: object) => ({
  proxyProtocol: 'HTTPConnect',
  transport: { tcp: { url, ...(tlsConfig === undefined ? {} : { tlsConfig }) } },
});
const tlsConfig = (over: Record<string, string> = {}) => ({
  ...{ caBundle: at('ca.crt'), clientCert: at('client.crt'), clientKey: at('client.key') },
  ...over,
});

describe('an egress selector configuration', () => {
  it.each(['v1beta1', 'v1alpha1'])('of %s is read, `master` as controlplane', (version) => {
    const text = `${head(version)}egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      tcp:
        url: https://127.0.0.1:8131
        tlsConfig: {caBundle: /ca.crt, clientKey: /c.key, clientCert: /c.crt, tlsServerName: proxy}
- name: master
  connection: {proxyProtocol: GRPC, transport: {uds: {udsName: /run/k.sock}}}
- name: etcd
  connection:
    proxyProtocol: Direct
`;
    const tls = { caBundle: '/ca.crt', clientKey: '/c.key', clientCert: '/c.crt', tlsServerName: 'proxy' };
    expect(parseEgressConfiguration(text).selections).toEqual([
      {
        ...{ name: 'cluster', proxyProtocol: 'HTTPConnect' },
        transport: { tcp: { url: 'https://127.0.0.1:8131', tlsConfig: tls } },
      },
      { name: 'controlplane', proxyProtocol: 'GRPC', transport: { uds: { udsName: '/run/k.sock' } } },
      { name: 'etcd', proxyProtocol: 'Direct', transport: undefined },
    ]);
  });

  it('may be JSON, and may select nothing', async () => {
    const json = { apiVersion: 'apiserver.k8s.io/v1beta1', kind: 'EgressSelectorConfiguration' };
    const selector = await load(JSON.stringify(json));
    expect(selector.dialer('cluster')).toBe(selector.dialer('etcd'));
    await selector.close();
  });

  it('gives a dialer for each selection, with its name in any case, and dials the rest directly', async () => {
    const selector = await load(
      file(grpc(), tcp('https://h:1', tlsConfig())).replace('"cluster"', '"Cluster"'),
    );
    const dialers = new Set(
      (['cluster', 'controlplane', 'etcd'] as const).map((name) => selector.dialer(name)),
    );
    expect(dialers.size).toBe(3);
    await selector.close();
  });

  it.each([
    ['', /Object 'Kind' is missing in ''$/],
    ['# c\n', /Object 'Kind' is missing in '# c/],
    ['kind: EgressSelectorConfiguration\n', /Object 'apiVersion' is missing in 'kind: EgressSel/],
    [
      'apiVersion: apps/v1\nkind: DaemonSet\nspec: {}\n',
      /no kind "DaemonSet" is registered for version "apps\/v1"$/,
    ],
    [
      `${head('v1')}`,
      /no kind "EgressSelectorConfiguration" is registered for version "apiserver\.k8s\.io\/v1"$/,
    ],
    ['- a\n- b\n', /Object 'Kind' is missing/],
    ['a: [', /yaml: line 1: /],
    [
      `${head()}egressSelections:\n- name: etcd\n  connection: {proxyProtocol: Direct}\n  foo: {bar: baz}\n`,
      /strict decoding error: unknown field "egressSelections\[0\]\.foo"$/,
    ],
    [
      `${head()}egressSelections:\n- name: etcd\n  connection: {}\n  connection: {}\n`,
      /strict decoding error: yaml: unmarshal errors:\n {2}line 6: key "connection" already set in map$/,
    ],
    [`${head()}egressSelections: 7\n`, /strict decoding error: egressSelections: .*array/],
    [
      `${head()}egressSelections:\n- name: 7\n`,
      /strict decoding error: egressSelections\[0\]\.name: .*string/,
    ],
    [`${head()}metadata: {}\n`, /strict decoding error: unknown field "metadata"$/],
  ])('that reads %j is refused', async (text, message) => {
    const said = await refusal(text);
    expect(said).toMatch(/^failed to read egress selector config: /);
    expect(said).toMatch(message);
  });

  it.each([
    [
      {},
      'service.connection.protocol: Unsupported value: "": supported values: "Direct", "HTTPConnect", "GRPC"',
    ],
    [
      { proxyProtocol: 'grpc' },
      'service.connection.protocol: Unsupported value: "grpc": supported values: "Direct", "HTTPConnect", "GRPC"',
    ],
    [
      { proxyProtocol: 'Direct', transport: {} },
      'service.connection.transport: Invalid value: "direct": config must be absent for direct connect',
    ],
    [
      { proxyProtocol: 'GRPC' },
      'service.connection.transport: Required value: transport must be set for GRPC',
    ],
    [
      { proxyProtocol: 'GRPC', transport: { tcp: { url: 'https://h:1' } } },
      'service.connection.uds: Required value: UDS must be set with GRPC',
    ],
    [grpc(''), 'service.connection.udsName: Invalid value: "nil": must be present for UDS connections'],
    [
      { proxyProtocol: 'HTTPConnect' },
      'service.connection.transport: Required value: transport must be set for HTTPConnect',
    ],
    [
      { proxyProtocol: 'HTTPConnect', transport: {} },
      'service.connection.tcp: Required value: One of TCP or UDS must be set',
    ],
    [
      { proxyProtocol: 'HTTPConnect', transport: { tcp: { url: 'h' }, uds: { udsName: 'u' } } },
      'service.connection.tcp: Invalid value: {"url":"h"}: TCP and UDS cannot both be set',
    ],
    [
      tcp('ftp://h:1'),
      'service.connection.url: Invalid value: "ftp://h:1": supported connection protocols are http:// and https://',
    ],
    [
      tcp('http://h:1', {}),
      'service.connection.tlsConfig: Invalid value: "nil": config must not be present when using HTTP',
    ],
    [
      tcp('https://h:1'),
      'service.connection.tlsConfig: Required value: TLSConfig must be present when using HTTPS',
    ],
    [
      tcp('https://h:1', { caBundle: '/no/ca' }),
      '[service.connection.tlsConfig.caBundle: Invalid value: "/no/ca": TLS config ca bundle does not exist, ' +
        'service.connection.tlsConfig.clientCert: Invalid value: "nil": Using TLS requires clientCert, ' +
        'service.connection.tlsConfig.clientKey: Invalid value: "nil": Using TLS requires requires clientKey]',
    ],
  ])('with connection %j is refused', async (connection, message) => {
    expect(await refusal(file(connection))).toBe(
      `failed to validate egress selector configuration: ${message}`,
    );
  });

  it('with an unknown or repeated name is refused', async () => {
    const direct = { proxyProtocol: 'Direct' };
    expect(await refusal(file(direct, direct).replace('controlplane', 'CLUSTER'))).toBe(
      'failed to validate egress selector configuration: service.connection[1]: Duplicate value: "cluster"',
    );
    expect(await refusal(file(direct).replace('"cluster"', '"Master"'))).toBe(
      'failed to validate egress selector configuration: service.connection: Unsupported value: "master": ' +
        'supported values: "cluster", "controlplane", "etcd"',
    );
  });

  it('with files without certificates is refused', async () => {
    const cert = at('client.crt');
    expect(await refusal(file(tcp('https://h:1', tlsConfig({ clientKey: at('no.pem') }))))).toMatch(
      `failed to setup egress selector: failed to create dialer for egressSelection "cluster": failed to read key pair ${cert} & ${at('no.pem')}, got `,
    );
    expect(await refusal(file(tcp('https://h:1', tlsConfig({ caBundle: at('no.pem') }))))).toBe(
      'failed to setup egress selector: failed to create dialer for egressSelection "cluster": failed to append CA cert to the cert pool',
    );
  });

  it('with a http:// proxy has no dialer', async () => {
    expect(await refusal(file(tcp('http://h:1')))).toMatch(
      /egressSelection "cluster": tlsConfig must be set/,
    );
  });

  it('that does not exist is refused by name', async () => {
    await expect(loadEgressSelector(at('nowhere'), context)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `egress-selector-config-file ${at('nowhere')} does not exist`,
    });
    await expect(loadEgressSelector(folder, context)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`unable to read egress selector configuration from "${folder}" [`),
    });
  });
});
