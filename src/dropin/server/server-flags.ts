import { commonFlags, commonGroups, noEffect, profilingFlags } from '../common-flags.js';
import { flag, type ValuesOf } from '../flags/flag-row.js';
import type { ProgramGuide } from '../flags/help-text.js';

const frontends = {
  mode: flag('string', 'grpc', "How frontends dial: 'grpc' or 'http-connect'."),
  'uds-name': flag('string', '', 'Unix socket for frontends; empty for TCP.'),
  'delete-existing-uds-file': flag('bool', true, 'Remove a file that stands where the socket shall be.'),
  'server-port': flag('int', 8090, 'TCP port for frontends; 0 with --uds-name.'),
  'server-bind-address': flag('string', '', 'Address of that port; empty for all interfaces.'),
  'server-cert': flag('string', '', 'Certificate shown to frontends.'),
  'server-key': flag('string', '', 'Its private key.'),
  'server-ca-cert': flag('string', '', 'CA that frontends must prove themselves with; needed for TCP.'),
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
  'cluster-ca-cert': flag('string', '', 'CA that agents must prove themselves with.'),
  'keepalive-time': flag('duration', 3_600_000, 'Idle time before an agent is pinged.'),
  'proxy-strategies': flag(
    'string',
    'default',
    'How an agent is chosen: a comma list of default, destHost and defaultRoute, tried in order.',
  ),
  'backend-dial-timeout': flag('duration', 0, 'Bound of one dial through an agent; 0 for none.', {
    since: 'v0.36',
  }),
  'xfr-channel-size': flag('int', 10, 'Packets queued for each stream.', {
    since: 'v0.31',
    ignored: noEffect.packets,
  }),
  'warn-on-channel-limit': flag('bool', true, 'Warn of full queues.', {
    deprecated:
      'This behavior is now thread safe and always on. This flag will be removed in a future release.',
    ignored: 'full queues are always told of',
  }),
} as const;

const tokens = {
  'agent-namespace': flag('string', '', "Namespace of the agents' service account; switches tokens on."),
  'agent-service-account': flag('string', '', "Name of the agents' service account."),
  'authentication-audience': flag('string', '', "Audience of the agents' tokens."),
  kubeconfig: flag('string', '', 'How to reach the Kubernetes API for token reviews and leases.'),
  'kubeconfig-qps': flag('float', 0, 'Most requests per second to that API; 0 for the usual 5.'),
  'kubeconfig-burst': flag('int', 0, 'Most requests at once to that API; 0 for the usual 10.'),
  'kube-api-content-type': flag(
    'string',
    'application/vnd.kubernetes.protobuf',
    'How that API is spoken to.',
    {
      since: 'v0.31',
      ignored: noEffect.contentType,
    },
  ),
} as const;

const replicas = {
  'server-id': flag('string', '', 'What agents tell servers apart by.', {
    env: 'PROXY_SERVER_ID',
    initially: '$PROXY_SERVER_ID, else a random UUID',
  }),
  'server-count': flag('int', 1, 'How many servers agents are told to look for.'),
  'enable-lease-controller': flag(
    'bool',
    false,
    'Announce this server by a lease, and remove expired ones.',
    {
      since: 'v0.31',
    },
  ),
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
  'cipher-suites': flag('list', [], "TLS 1.2 cipher suites by Go's names; empty for the usual ones."),
  'tls-min-version': flag('string', '', 'Lowest TLS version: VersionTLS10 to VersionTLS13.', {
    since: 'v0.35',
    initially: 'VersionTLS12',
  }),
  'graceful-shutdown-timeout': flag('duration', 0, 'How long connections may finish at the end; 0 for not.', {
    since: 'v0.35',
  }),
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
    "A proxy-server: takes frontends' connections and passes them through the streams of agents that dialled in. " +
    "It takes the flags of Konnectivity's proxy-server.",
  groups: [
    { title: 'Frontends', flags: frontends },
    { title: 'Agents', flags: agents },
    { title: 'Agent tokens and the Kubernetes API', flags: tokens },
    { title: 'Replicas', flags: replicas },
    { title: 'Operation', flags: operation },
    ...commonGroups,
  ],
};
