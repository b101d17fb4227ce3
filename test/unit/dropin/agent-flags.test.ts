import { describe, expect, it } from 'vitest';
import { agentFlags } from '../../../src/dropin/agent/agent-flags.js';
import { parseAgentFlags } from '../../../src/dropin/agent/parse-agent-flags.js';
import { failure, klogDefaults, run, uuid } from './support.js';

const here = new URL(import.meta.url).pathname;

/** The table of Konnectivity's proxy-agent. */
const defaults = {
  'agent-cert': '',
  'agent-key': '',
  'ca-cert': '',
  'proxy-server-host': '127.0.0.1',
  'proxy-server-port': 8091,
  'alpn-proto': [],
  'health-server-host': '',
  'health-server-port': 8093,
  'admin-bind-address': '127.0.0.1',
  'admin-server-port': 8094,
  'enable-profiling': false,
  'enable-contention-profiling': false,
  'agent-id': '',
  'agent-identifiers': '',
  'sync-interval': 1000,
  'sync-interval-cap': 10_000,
  'probe-interval': 1000,
  'keepalive-time': 3_600_000,
  'service-account-token-path': '',
  'warn-on-channel-limit': false,
  'sync-forever': false,
  'xfr-channel-size': 150,
  'count-server-leases': false,
  'lease-namespace': 'kube-system',
  'lease-label-selector': 'k8s-app=konnectivity-server',
  'lease-label': 'k8s-app=konnectivity-server',
  'server-count-source': 'default',
  kubeconfig: '',
  'kube-api-content-type': 'application/vnd.kubernetes.protobuf',
  ...klogDefaults,
};

describe("the agent's flags", () => {
  it('are those of Konnectivity with its defaults', () => {
    const rows = Object.entries(agentFlags).map(([name, row]) => [name, row.initial]);
    expect(Object.fromEntries(rows)).toEqual({ ...defaults, help: false, version: false });
  });

  it('have a sentence each, and a reason when they have no effect', () => {
    for (const [name, row] of Object.entries(agentFlags)) {
      expect(row.help, name).toMatch(/^['A-Z].*\.$/);
      expect(row.effect === 'ignored', name).toBe('ignored' in row && row.ignored !== '');
    }
  });

  it('become options', () => {
    expect(run(parseAgentFlags([], {})).options).toEqual({
      agentId: expect.stringMatching(uuid),
      identifiers: '',
      server: { host: '127.0.0.1', port: 8091 },
      tls: {},
      alpnProtocols: [],
      tokenFile: undefined,
      syncIntervalMs: 1000,
      syncIntervalCapMs: 10_000,
      probeIntervalMs: 1000,
      syncForever: false,
      serverCount: { source: 'default', leases: undefined },
      keepaliveTimeMs: 3_600_000,
      health: { host: '', port: 8093 },
      admin: { host: '127.0.0.1', port: 8094 },
      kubeconfig: undefined,
      verbosity: 4,
    });
  });

  it('take the whole command line of a sample manifest', () => {
    const { options } = run(
      parseAgentFlags(
        [
          '--logtostderr=true',
          `--ca-cert=${here}`,
          '--proxy-server-host=konnectivity.example',
          '--proxy-server-port=8132',
          '--admin-server-port=8133',
          '--health-server-port=8134',
          `--service-account-token-path=${here}`,
          '--agent-identifiers=host=n1&ipv4=10.0.1.11&default-route=true',
          '--alpn-proto=konnectivity',
          '--sync-forever',
          '--server-count-source=max',
          '--count-server-leases=true',
        ],
        { PROXY_AGENT_ID: 'n1' },
      ),
    );
    expect(options).toMatchObject({
      agentId: 'n1',
      identifiers: 'host=n1&ipv4=10.0.1.11&default-route=true',
      server: { host: 'konnectivity.example', port: 8132 },
      tls: { caFile: here },
      alpnProtocols: ['konnectivity'],
      tokenFile: here,
      syncForever: true,
      serverCount: {
        source: 'max',
        leases: { namespace: 'kube-system', labelSelector: 'k8s-app=konnectivity-server' },
      },
    });
  });

  it('take the old name of the lease selector, and tell of the new one', () => {
    const argv = ['--count-server-leases', '--lease-label=app=x,tier in (a,b)'];
    const { options, notices } = run(parseAgentFlags(argv, {}));
    expect(options.serverCount.leases?.labelSelector).toBe('app=x,tier in (a,b)');
    expect(notices).toEqual(['Flag --lease-label has been deprecated, Use --lease-label-selector instead']);
  });

  it('take an empty source of the server count as the default one', () => {
    expect(run(parseAgentFlags(['--server-count-source='], {})).options.serverCount.source).toBe('default');
  });
});

describe('an agent refuses, in the words of Konnectivity,', () => {
  it.each([
    [['--agent-key=/no'], 'error checking agent key /no, got stat /no: no such file or directory'],
    [['--agent-cert=/no'], 'error checking agent cert /no, got stat /no: no such file or directory'],
    [[`--agent-key=${here}`], `cannot have agent cert empty when agent key is set to "${here}"`],
    [[`--agent-cert=${here}`], `cannot have agent key empty when agent cert is set to "${here}"`],
    [['--ca-cert=/no'], 'error checking agent CA cert /no, got stat /no: no such file or directory'],
    [['--proxy-server-port=0'], 'proxy server port 0 must be greater than 0'],
    [['--health-server-port=-1'], 'health server port -1 must be greater than 0'],
    [['--admin-server-port=0'], 'admin server port 0 must be greater than 0'],
    [['--admin-server-port=65536'], 'admin server port 65536 must not be greater than 65535'],
    [['--xfr-channel-size=0'], 'channel size 0 must be greater than 0'],
    [
      ['--enable-contention-profiling'],
      'if --enable-contention-profiling is set, --enable-profiling must also be set',
    ],
    [['--sync-interval=1m'], 'sync interval 1m0s must be less than sync interval cap 10s'],
    [
      ['--service-account-token-path=/no'],
      'error checking service account token path /no, got stat /no: no such file or directory',
    ],
    [['--agent-id='], 'expected an agent ID of 1 to 1024 characters of printable ASCII, got 0'],
    [
      [`--agent-id=${'x'.repeat(1025)}`],
      'expected an agent ID of 1 to 1024 characters of printable ASCII, got 1025',
    ],
    [['--agent-identifiers=mac=1'], 'agent address is invalid: unknown address type: mac'],
    [['--agent-identifiers=?host=a'], 'agent address is invalid: unknown address type: ?host'],
    [['--agent-identifiers==a'], 'agent address is invalid: unknown address type: '],
    [['--agent-identifiers=host=%zz'], 'agent address is invalid: invalid URL escape "%zz"'],
    [['--agent-identifiers=host=a;ipv4=b'], 'agent address is invalid: invalid semicolon separator in query'],
    [['--kubeconfig=/no'], 'error checking KubeconfigPath "/no", got stat /no: no such file or directory'],
    [['--server-count-source=min'], "--server-count-source must be one of '', 'default', 'max', got min"],
  ])('%j', (argv, text) => {
    const { code, message, where } = failure(parseAgentFlags(argv, {}));
    expect([code, where]).toEqual(['CONFIG_INVALID', 'proxy-agent']);
    expect(message).toBe(`failed to validate agent options with ${text}`);
  });

  it('a flag of the proxy-server', () => {
    expect(failure(parseAgentFlags(['--server-id=x'], {})).message).toBe('unknown flag: --server-id');
  });

  it('but not an interval that equals its cap, nor an escaped identifier type', () => {
    expect(parseAgentFlags(['--sync-interval=10s'], {}).kind).toBe('run');
    expect(parseAgentFlags(['--agent-identifiers=%68ost=a&&ipv6=::1'], {}).kind).toBe('run');
  });
});
