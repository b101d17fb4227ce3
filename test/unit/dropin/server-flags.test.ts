import { describe, expect, it } from 'vitest';
import { flagTypes } from '../../../src/dropin/flags/flag-types.js';
import { parseServerFlags } from '../../../src/dropin/server/parse-server-flags.js';
import { serverFlags } from '../../../src/dropin/server/server-flags.js';
import { klogDefaults, run, uuid } from './support.js';

/** The table of Konnectivity's proxy-server. */
const defaults = {
  mode: 'grpc',
  'uds-name': '',
  'delete-existing-uds-file': true,
  'server-port': 8090,
  'server-bind-address': '',
  'server-cert': '',
  'server-key': '',
  'server-ca-cert': '',
  'agent-port': 8091,
  'agent-bind-address': '',
  'cluster-cert': '',
  'cluster-key': '',
  'cluster-ca-cert': '',
  'health-port': 8092,
  'health-bind-address': '',
  'admin-port': 8095,
  'admin-bind-address': '127.0.0.1',
  'keepalive-time': 3_600_000,
  'frontend-keepalive-time': 3_600_000,
  'enable-profiling': false,
  'enable-contention-profiling': false,
  'server-id': '',
  'server-count': 1,
  'agent-namespace': '',
  'agent-service-account': '',
  'authentication-audience': '',
  kubeconfig: '',
  'kubeconfig-qps': 0,
  'kubeconfig-burst': 0,
  'kube-api-content-type': 'application/vnd.kubernetes.protobuf',
  'proxy-strategies': 'default',
  'cipher-suites': [],
  'tls-min-version': '',
  'xfr-channel-size': 10,
  'frontend-write-channel-size': 10,
  'enable-lease-controller': false,
  'lease-namespace': 'kube-system',
  'lease-label': 'k8s-app=konnectivity-server',
  'graceful-shutdown-timeout': 0,
  'backend-dial-timeout': 0,
  'warn-on-channel-limit': true,
  ...klogDefaults,
};

const socket = ['--uds-name=/run/s.sock', '--server-port=0'];

describe("the proxy-server's flags", () => {
  it('are those of Konnectivity with its defaults', () => {
    const rows = Object.entries(serverFlags).map(([name, row]) => [name, row.initial]);
    expect(Object.fromEntries(rows)).toEqual({ ...defaults, help: false, version: false });
  });

  it('have a sentence each, and a reason when they have no effect', () => {
    for (const [name, row] of Object.entries(serverFlags)) {
      expect(row.help, name).toMatch(/^['A-Z].*\.$/);
      expect(row.effect === 'ignored', name).toBe('ignored' in row && row.ignored !== '');
    }
  });

  it('know since when they are', () => {
    const since = (release: string) =>
      Object.entries(serverFlags).flatMap(([name, row]) => (row.since === release ? [name] : []));
    expect(since('next')).toEqual(['frontend-write-channel-size']);
    expect(since('v0.36')).toEqual(['backend-dial-timeout']);
    expect(since('v0.35')).toEqual(expect.arrayContaining(['tls-min-version', 'graceful-shutdown-timeout']));
    expect(since('v0.31')).toEqual(expect.arrayContaining(['xfr-channel-size', 'lease-label']));
  });

  it('all take a value of their type on the command line', () => {
    for (const [name, row] of Object.entries(serverFlags)) {
      if (name === 'help' || name === 'version') continue;
      const text = flagTypes[row.type].text as (value: unknown) => string;
      const word = text(row.initial).replace(/^"|"$/g, '') || (row.initial === false ? 'false' : '');
      const outcome = parseServerFlags(
        [...socket, ...(name in socketFlags ? [] : [`--${name}=${word}`])],
        {},
      );
      expect(outcome.kind, name).toBe('run');
    }
  });
});

const socketFlags = { 'uds-name': true, 'server-port': true };

describe("the proxy-server's options", () => {
  it('are the defaults on a Unix socket when nothing else is given', () => {
    const { options, ignored, notices } = run(parseServerFlags(socket, {}));
    expect(options).toEqual({
      mode: 'grpc',
      serverId: expect.stringMatching(uuid),
      serverCount: 1,
      frontend: { kind: 'unix', path: '/run/s.sock', deleteExisting: true },
      agents: { host: '', port: 8091, tls: {} },
      health: { host: '', port: 8092 },
      admin: { host: '127.0.0.1', port: 8095 },
      tlsLimits: { minVersion: 'TLSv1.2' },
      strategies: ['default'],
      keepaliveTimeMs: 3_600_000,
      frontendKeepaliveTimeMs: 3_600_000,
      backendDialTimeoutMs: 0,
      gracefulShutdownTimeoutMs: 0,
      agentTokens: undefined,
      lease: undefined,
      kubeconfig: undefined,
      kubeLimit: { qps: 0, burst: 0 },
      verbosity: 4,
    });
    expect([...ignored, ...notices]).toEqual([]);
  });

  it('take the whole command line of a sample manifest', () => {
    const { options, ignored } = run(
      parseServerFlags(
        [
          '--logtostderr=true',
          '--uds-name=/etc/kubernetes/konnectivity-server/konnectivity-server.socket',
          '--delete-existing-uds-file',
          '--server-port=0',
          '--agent-port=8132',
          '--health-port=8134',
          '--admin-port=8133',
          '--mode=http-connect',
          '--proxy-strategies=destHost,,default',
          '--agent-namespace=kube-system',
          '--agent-service-account=konnectivity-agent',
          '--authentication-audience=system:konnectivity-server',
          '--enable-lease-controller',
          '--keepalive-time=1m30s',
          '-v=2',
        ],
        {},
      ),
    );
    expect(options).toMatchObject({
      mode: 'http-connect',
      agents: { port: 8132 },
      strategies: ['destHost', 'default'],
      agentTokens: {
        namespace: 'kube-system',
        serviceAccount: 'konnectivity-agent',
        audience: 'system:konnectivity-server',
      },
      lease: { namespace: 'kube-system', labels: { 'k8s-app': 'konnectivity-server' } },
      keepaliveTimeMs: 90_000,
      verbosity: 2,
    });
    expect(ignored).toEqual(['logtostderr']);
  });

  it('name files only where flags do, and listen on TCP without a socket', () => {
    const here = new URL(import.meta.url).pathname;
    const { options } = run(parseServerFlags([`--server-ca-cert=${here}`, '--server-bind-address=::1'], {}));
    expect(options.frontend).toEqual({
      kind: 'tcp',
      host: '::1',
      port: 8090,
      tls: { certFile: undefined, keyFile: undefined, caFile: here },
    });
  });

  it('take the ID from the flag, else the environment, else make one up', () => {
    const id = (env: Record<string, string>, ...flags: string[]) =>
      run(parseServerFlags([...socket, ...flags], env)).options.serverId;
    expect(id({ PROXY_SERVER_ID: 'env' }, '--server-id=flag')).toBe('flag');
    expect(id({ PROXY_SERVER_ID: 'env' }, '--server-id=')).toBe('');
    expect(id({ PROXY_SERVER_ID: 'env' })).toBe('env');
    expect(id({ PROXY_SERVER_ID: '' })).toMatch(uuid);
    expect(id({})).not.toBe(id({}));
  });

  it('come with a line for each flag that is deprecated, unwise or without effect', () => {
    const flags = ['--warn-on-channel-limit', '--log_dir=/x', '--tls-min-version=VersionTLS11', 'stray'];
    const { notices, ignored, given } = run(parseServerFlags([...socket, ...flags], {}));
    expect(notices).toEqual([
      'Flag --warn-on-channel-limit has been deprecated, This behavior is now thread safe and always on. ' +
        'This flag will be removed in a future release.',
      '--warn-on-channel-limit has no effect: full queues are always reported',
      '--log-dir has no effect: log files do not exist here',
      '--tls-min-version=VersionTLS11 is below TLS 1.2 and is considered insecure (RFC 8996)',
      'arguments without a flag have no effect: stray',
    ]);
    expect(ignored).toEqual(['warn-on-channel-limit', 'log-dir']);
    expect(given.has('tls-min-version')).toBe(true);
  });
});
