import { type Sample, workload } from './support.js';

/** For each rule: what it must find, and the same mended. */
type Samples = Readonly<Record<string, { readonly bad: Sample; readonly good: Sample }>>;

const minute = { idleTimeoutMs: 60_000 };
const probe = (kind: string, httpGet: object): object => ({ [`${kind}Probe`]: { httpGet } });

const flagSamples: Samples = {
  'unknown-flag': { bad: { agent: '--agentId=x' }, good: { agent: '--v=2' } },
  'invalid-value': {
    bad: { servers: [{ 'keepalive-time': '60' }] },
    good: { servers: [{ 'keepalive-time': '60s' }] },
  },
  'flags-refused': {
    bad: { servers: [{ 'server-port': '8090' }] },
    good: { servers: [{ 'server-port': '0' }] },
  },
  'flag-newer-than-image': {
    bad: { objects: [workload('server', { image: 'mirror.example/proxy-server:v0.35.1' })] },
    good: { objects: [workload('server', { image: 'mirror.example/proxy-server:v0.36.0' })] },
  },
  'flag-unreleased': {
    bad: { servers: [{ 'frontend-write-channel-size': '0' }] },
    good: {
      objects: [
        workload('server', {
          image: 'mirror.example/proxy-server:v0.37.0',
          flags: { 'frontend-write-channel-size': '0' },
        }),
      ],
    },
  },
  'flag-repeated': { bad: { server: '--keepalive-time=1m' }, good: { server: '--keepalive-time=30s' } },
  'stray-word': { bad: { agent: '--sync-forever false' }, good: { agent: '--sync-forever=false' } },
  'flag-deprecated': {
    bad: { server: '--warn-on-channel-limit' },
    good: { agent: '--warn-on-channel-limit' },
  },
};

const keepaliveSamples: Samples = {
  'ping-too-often': {
    bad: { agents: [{ 'keepalive-time': '29s' }] },
    good: { agents: [{ 'keepalive-time': '30s' }], servers: [{ 'keepalive-time': '10s' }] },
  },
  'keepalive-equals-idle-timer': {
    bad: { agents: [{ 'keepalive-time': '1m' }], balancer: minute },
    good: { agents: [{ 'keepalive-time': '59s' }], balancer: minute },
  },
  'keepalive-above-idle-timer': {
    bad: { agents: [{ 'keepalive-time': '90s' }], balancer: minute },
    good: { agents: [{ 'keepalive-time': '90s' }] },
  },
  'keepalive-too-long': {
    bad: { servers: [{ 'keepalive-time': undefined }] },
    good: { servers: [{ 'keepalive-time': '5m' }] },
  },
  'keepalive-one-sided': {
    bad: { servers: [{ 'keepalive-time': undefined }], agents: [{}], balancer: minute },
    good: { servers: [{}], agents: [{}], balancer: minute },
  },
  'idle-timer-below-ping-limit': {
    bad: { servers: [{}], agents: [{}], balancer: { idleTimeoutMs: 20_000 } },
    good: { servers: [{ 'keepalive-time': '10s' }], agents: [{}], balancer: { idleTimeoutMs: 20_000 } },
  },
  'max-age-cuts-streams': {
    bad: { agents: [{}], balancer: { maxAgeMs: 3_600_000 } },
    good: { agents: [{}] },
  },
  'frontend-keepalive-unused': {
    bad: { servers: [{ mode: 'http-connect', 'frontend-keepalive-time': '30s' }] },
    good: { servers: [{ mode: 'grpc', 'frontend-keepalive-time': '30s' }] },
  },
};

const leased = { 'enable-lease-controller': 'true' };
const counting = { 'count-server-leases': 'true' };

const countSamples: Samples = {
  'server-count-below-replicas': {
    bad: { servers: [{ 'server-count': '1' }], balancer: { replicas: 3 } },
    good: { servers: [{ 'server-count': '3' }], balancer: { replicas: 3 } },
  },
  'server-count-above-replicas': {
    bad: { objects: [workload('server', { replicas: 2, flags: { 'server-count': '3' } })] },
    good: { servers: [{ 'server-count': '3' }, { 'server-count': '3' }] },
  },
  'server-counts-differ': {
    bad: { servers: [{ 'server-count': '2' }, { 'server-count': '3' }] },
    good: { servers: [{ 'server-count': '2' }, { 'server-count': '2' }, { 'server-count': '$(N)' }] },
  },
  'leases-not-counted': {
    bad: { servers: [leased], agents: [{}] },
    good: { servers: [leased], agents: [counting] },
  },
  'leases-not-kept': {
    bad: { servers: [{}], agents: [counting] },
    good: { servers: [leased], agents: [counting] },
  },
  'leases-elsewhere': {
    bad: {
      servers: [{ ...leased, 'lease-label': 'app=k,zone=a' }],
      agents: [{ ...counting, 'lease-label': 'app=x' }],
    },
    good: {
      servers: [{ ...leased, 'lease-label': 'app=k,zone=a' }],
      agents: [{ ...counting, 'lease-label': 'app=k' }],
    },
  },
  'server-id-missing': {
    bad: { servers: [{ 'server-id': undefined }] },
    good: {
      objects: [
        workload('server', {
          flags: { 'server-id': undefined },
          container: { env: [{ name: 'PROXY_SERVER_ID', valueFrom: {} }] },
        }),
      ],
    },
  },
  'server-id-shared': {
    bad: { servers: [{ 'server-id': 's' }, { 'server-id': 's' }] },
    good: { servers: [{ 'server-id': 's' }, { 'server-id': 't' }, {}, {}] },
  },
  'agent-id-shared': {
    bad: { objects: [workload('agent', { kind: 'DaemonSet', flags: { 'agent-id': 'node' } })] },
    good: { objects: [workload('agent', { kind: 'DaemonSet', flags: { 'agent-id': '$(NODE)' } })] },
  },
  'slow-search': {
    bad: { agents: [{ 'sync-interval': '6s' }], balancer: { replicas: 3 } },
    good: { agents: [{ 'sync-interval': '5s' }], balancer: { replicas: 3 } },
  },
  'long-pause-after-failures': {
    bad: { agents: [{ 'sync-interval-cap': '2m' }] },
    good: { agents: [{ 'sync-interval-cap': '30s' }] },
  },
  'sync-forever': { bad: { agents: [{ 'sync-forever': 'true' }] }, good: { agents: [counting] } },
};

const strategies = (text: string): Required<Pick<Sample, 'servers'>> => ({
  servers: [{ 'proxy-strategies': text }],
});
const claims = (text: string): Required<Pick<Sample, 'agents'>> => ({
  agents: [{ 'agent-identifiers': text }],
});

const routingSamples: Samples = {
  'cidr-identifier-unused': {
    bad: claims('ipv4=$(HOST_IP)&cidr=10.0.0.0/8'),
    good: claims('ipv4=$(HOST_IP)'),
  },
  'no-agent-for-strategies': {
    bad: { ...strategies('destHost'), ...claims('default-route=true') },
    good: { ...strategies('destHost,defaultRoute'), ...claims('default-route=true') },
  },
  'first-strategy-empty': {
    bad: { ...strategies('destHost,default'), agents: [{}] },
    good: { ...strategies('destHost,default'), ...claims('host=$(NODE)') },
  },
  'strategy-unused': {
    bad: { ...strategies('destHost,defaultRoute,default'), ...claims('host=$(NODE)') },
    good: { ...strategies('destHost,default'), ...claims('host=$(NODE)') },
  },
  'strategy-after-default': { bad: strategies('default,destHost'), good: strategies('destHost,default') },
  'identifiers-unused': {
    bad: { servers: [{}], ...claims('ipv4=10.0.0.1') },
    good: { ...strategies('destHost,default'), ...claims('ipv4=10.0.0.1') },
  },
  'identifier-never-equal': {
    bad: claims('ipv6=FD00::1'),
    good: claims('ipv6=fd00::1&host=$(NODE)&ipv4=10.0.0.1&default-route=true'),
  },
};

const tokens = {
  'cluster-ca-cert': undefined,
  'agent-namespace': 'kube-system',
  'agent-service-account': 'konnectivity-agent',
  'authentication-audience': 'tunnel',
};
const tokenFile = { 'service-account-token-path': '/t/token' };
const tokenPod = (audience: string, account: string): object =>
  workload('agent', {
    kind: 'DaemonSet',
    namespace: 'kube-system',
    flags: tokenFile,
    spec: {
      serviceAccountName: account,
      volumes: [{ projected: { sources: [{ serviceAccountToken: { path: 'token', audience } }] } }],
    },
  });
const tcp = { 'uds-name': undefined, 'server-port': '8090', mode: 'http-connect' };
const tcpTls = {
  ...tcp,
  'server-cert': '/f/tls.crt',
  'server-key': '/f/tls.key',
  'server-ca-cert': '/f/ca.crt',
};

const trustSamples: Samples = {
  'agents-not-authenticated': {
    bad: { servers: [{ 'cluster-ca-cert': undefined }] },
    good: { servers: [tokens, { 'cluster-ca-cert': '$(CA)' }] },
  },
  'cluster-certificate-missing': {
    bad: { servers: [{ 'cluster-cert': undefined, 'cluster-key': undefined }] },
    good: { servers: [{}] },
  },
  'agent-certificate-missing': {
    bad: { servers: [{}], agents: [{ 'agent-cert': undefined, 'agent-key': undefined }] },
    good: { servers: [tokens], agents: [{ 'agent-cert': undefined, 'agent-key': undefined }] },
  },
  'agent-ca-missing': { bad: { agents: [{ 'ca-cert': undefined }] }, good: { agents: [{}] } },
  'token-missing': {
    bad: { servers: [tokens], agents: [{}] },
    good: { servers: [tokens], agents: [tokenFile] },
  },
  'token-unread': {
    bad: { servers: [{}], agents: [tokenFile] },
    good: { servers: [tokens], agents: [tokenFile] },
  },
  'token-audience-differs': {
    bad: { servers: [tokens], objects: [tokenPod('vault', 'konnectivity-agent')] },
    good: { servers: [tokens], objects: [tokenPod('tunnel', 'konnectivity-agent')] },
  },
  'token-account-differs': {
    bad: { servers: [tokens], objects: [tokenPod('tunnel', 'default')] },
    good: { servers: [tokens], objects: [tokenPod('tunnel', 'konnectivity-agent')] },
  },
  'frontend-tls-incomplete': {
    bad: { servers: [{ ...tcpTls, 'server-ca-cert': undefined }] },
    good: { servers: [tcpTls] },
  },
  'grpc-over-tcp': { bad: { servers: [{ ...tcpTls, mode: 'grpc' }] }, good: { servers: [tcpTls, {}] } },
  'one-ca-for-agents-and-frontends': {
    bad: { servers: [{ ...tcpTls, 'server-ca-cert': '/c/ca.crt' }] },
    good: { servers: [tcpTls] },
  },
  'server-name-is-address': {
    bad: { agents: [{ 'proxy-server-host': '192.0.2.1' }] },
    good: { agents: [{ 'proxy-server-host': 'servers.example' }, { 'proxy-server-host': '$(HOST)' }] },
  },
  'agent-dials-loopback': {
    bad: { agents: [{ 'proxy-server-host': undefined }] },
    good: { agents: [{ 'proxy-server-host': 'servers.example' }] },
  },
  'agent-port-differs': {
    bad: { servers: [{ 'agent-port': '8132' }], agents: [{}] },
    good: { servers: [{ 'agent-port': '8132' }], agents: [{ 'proxy-server-port': '8132' }] },
  },
  'tls-version-old': {
    bad: { servers: [{ 'tls-min-version': 'VersionTLS11' }] },
    good: { servers: [{ 'tls-min-version': 'VersionTLS13' }] },
  },
};

const grace = (seconds: number): object => ({ terminationGracePeriodSeconds: seconds });

const operationSamples: Samples = {
  'dial-timeout-off': {
    bad: { servers: [{ mode: 'http-connect', 'backend-dial-timeout': undefined }] },
    good: { servers: [{ mode: 'http-connect' }] },
  },
  'dial-timeout-off-grpc': { bad: { servers: [{ 'backend-dial-timeout': '0' }] }, good: { servers: [{}] } },
  'dial-timeout-below-agents': {
    bad: { servers: [{ 'backend-dial-timeout': '5s' }] },
    good: { servers: [{ 'backend-dial-timeout': '10s' }] },
  },
  'shutdown-without-limit': {
    bad: { servers: [{ 'graceful-shutdown-timeout': undefined }] },
    good: { servers: [{ 'graceful-shutdown-timeout': '1ns' }] },
  },
  'shutdown-longer-than-grace-period': {
    bad: { objects: [workload('server', { flags: { 'graceful-shutdown-timeout': '30s' } })] },
    good: {
      objects: [workload('server', { flags: { 'graceful-shutdown-timeout': '30s' }, spec: grace(45) })],
    },
  },
  'agent-drains-long': {
    bad: { objects: [workload('agent', { spec: grace(600) })] },
    good: { objects: [workload('agent', { spec: grace(60) })] },
  },
  'port-used-twice': {
    bad: { servers: [{ 'health-port': '8091' }] },
    good: { servers: [{ 'health-port': '8090' }] },
  },
  'probe-misses-health-port': {
    bad: {
      objects: [workload('server', { container: probe('liveness', { path: '/healthz', port: 8095 }) })],
    },
    good: {
      objects: [
        workload('server', {
          container: {
            ...probe('liveness', { path: '/healthz', port: 'health' }),
            ports: [{ name: 'health', containerPort: 8092 }],
          },
        }),
      ],
    },
  },
  'liveness-needs-peers': {
    bad: { objects: [workload('agent', { container: probe('liveness', { path: '/readyz', port: 8093 }) })] },
    good: {
      objects: [workload('agent', { container: probe('readiness', { path: '/readyz', port: 8093 }) })],
    },
  },
  'readiness-needs-agents': {
    bad: {
      objects: [workload('server', { container: probe('readiness', { path: '/readyz', port: 8092 }) })],
    },
    good: {
      objects: [
        workload('server', {
          container: probe('readiness', { path: '/readyz', port: 8092 }),
          spec: { hostNetwork: true },
        }),
      ],
    },
  },
  'profiling-exposed': {
    bad: { agent: '--enable-profiling --admin-bind-address=0.0.0.0' },
    good: { agent: '--enable-profiling' },
  },
};

export const samples: Samples = {
  ...flagSamples,
  ...keepaliveSamples,
  ...countSamples,
  ...routingSamples,
  ...trustSamples,
  ...operationSamples,
};
