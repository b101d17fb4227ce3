import { commonFlags, commonGroups, noEffect, profilingFlags } from '../common-flags.js';
import { flag, type ValuesOf } from '../flags/flag-row.js';
import type { ProgramGuide } from '../flags/help-text.js';

const frontends = {
  mode: flag('string', 'grpc', "How frontends dial: 'grpc' or 'http-connect'."),
  'uds-name': flag('string', '', 'Unix socket for frontends; empty for TCP.'),
  'delete-existing-uds-file': flag('bool', true, 'Remove an existing file at the path of the socket.'),
  'server-port': flag('int', 8090, 'TCP port for frontends; 0 with --uds-name.'),
  'server-bind-address': flag('string', '', 'Address of that port; empty for all interfaces.'),
  'server-cert': flag('string', '', 'Certificate shown to frontends.'),
  'server-key': flag('string', '', 'Its private key.'),
  'server-ca-cert': flag('string', '', 'CA of the certificates that frontends must show; needed for TCP.'),
  'frontend-keepalive-time': flag('duration', 3_600_000, 'Idle time before a frontend is pinged.'),
  'frontend-write-channel-size': flag('int', 10, 'Packets queued for each HTTP CONNECT frontend.', {
    since: 'next',
    ignored: noEffect.packets,
  }),
} as const;

const agents = {
  'agent-port': flag('int', 8091, 'TCP port for agents.'),
  'agent-bind-address': flag('string', '', 'Address of that port; empty for all interfaces.'),
  'cluster-cert': flag('string', '', 'Certificate shown to agents.'),
  'cluster-key': flag('string', '', 'Its private key.'),
  'cluster-ca-cert': flag('string', '', 'CA of the certificates that agents must show.'),
  'keepalive-time': flag('duration', 3_600_000, 'Idle time before an agent is pinged.'),
  'proxy-strategies': flag(
    'string',
    'default',
    'How an agent is chosen: a comma list of default, destHost and defaultRoute, tried in order.',
  ),
  'backend-dial-timeout': flag('duration', 0, 'Time limit of one dial through an agent; 0 means no limit.', {
    since: 'v0.36',
  }),
  'xfr-channel-size': flag('int', 10, 'Packets queued for each stream.', {
    since: 'v0.31',
    ignored: noEffect.packets,
  }),
  'warn-on-channel-limit': flag('bool', true, 'Warn of full queues.', {
    deprecated:
      'This behavior is now thread safe and always on. This flag will be removed in a future release.',
    ignored: 'full queues are always reported',
  }),
} as const;

const tokens = {
  'agent-namespace': flag('string', '', "Namespace of the agents' service account; turns tokens on."),
  'agent-service-account': flag('string', '', "Name of the agents' service account."),
  'authentication-audience': flag('string', '', "Audience of the agents' tokens."),
  kubeconfig: flag('string', '', 'How to reach the Kubernetes API for token reviews and leases.'),
  'kubeconfig-qps': flag('float', 0, 'Maximum of requests per second to that API; 0 means 5.'),
  'kubeconfig-burst': flag('int', 0, 'Maximum of requests at once to that API; 0 means 10.'),
  'kube-api-content-type': flag(
    'string',
    'application/vnd.kubernetes.protobuf',
    'Media type of requests to that API.',
    {
      since: 'v0.31',
      ignored: noEffect.contentType,
    },
  ),
} as const;

const replicas = {
  'server-id': flag('string', '', 'ID by which agents tell servers apart.', {
    env: 'PROXY_SERVER_ID',
    initially: '$PROXY_SERVER_ID, else a random UUID',
  }),
  'server-count': flag('int', 1, 'Number of servers that agents shall connect to.'),
  'enable-lease-controller': flag('bool', false, 'Keep a lease for this server, and remove expired leases.', {
    since: 'v0.31',
  }),
  'lease-namespace': flag('string', 'kube-system', 'Namespace of the leases.', { since: 'v0.31' }),
  'lease-label': flag('string', 'k8s-app=konnectivity-server', 'Labels of the leases: k=v,k=v.', {
    since: 'v0.31',
  }),
} as const;

const operation = {
  'health-port': flag('int', 8092, 'Port of /healthz, /readyz and /metrics.'),
  'health-bind-address': flag('string', '', 'Address of that port; empty for all interfaces.'),
  'admin-port': flag('int', 8095, 'Port of /metrics and of debugging.'),
  'admin-bind-address': flag('string', '127.0.0.1', 'Address of that port; empty for all interfaces.'),
  'cipher-suites': flag('list', [], "TLS 1.2 cipher suites by Go's names; empty means the default ones."),
  'tls-min-version': flag('string', '', 'Lowest TLS version: VersionTLS10 to VersionTLS13.', {
    since: 'v0.35',
    initially: 'VersionTLS12',
  }),
  'graceful-shutdown-timeout': flag(
    'duration',
    0,
    'How long connections may finish when the server ends; 0 means not at all.',
    {
      since: 'v0.35',
    },
  ),
  ...profilingFlags,
} as const;

/** Every flag of Konnectivity's proxy-server. */
export const serverFlags = {
  ...frontends,
  ...agents,
  ...tokens,
  ...replicas,
  ...operation,
  ...commonFlags,
} as const;

export type RawServerFlags = ValuesOf<typeof serverFlags>;

export const serverGuide: ProgramGuide = {
  name: 'proxy-server',
  summary:
    "A proxy-server: accepts frontends' connections and passes them on through the streams of connected agents. " +
    "It has the flags of Konnectivity's proxy-server.",
  groups: [
    { title: 'Frontends', flags: frontends },
    { title: 'Agents', flags: agents },
    { title: 'Agent tokens and the Kubernetes API', flags: tokens },
    { title: 'Replicas', flags: replicas },
    { title: 'Operation', flags: operation },
    ...commonGroups,
  ],
};
