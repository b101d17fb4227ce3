import { commonFlags, commonGroups, noEffect, profilingFlags } from '../common-flags.js';
import { flag, type ValuesOf } from '../flags/flag-row.js';
import type { ProgramGuide } from '../flags/help-text.js';

const server = {
  'proxy-server-host': flag('string', '127.0.0.1', 'Host of the proxy-servers.'),
  'proxy-server-port': flag('int', 8091, 'Their port for agents.'),
  'ca-cert': flag('string', '', 'CA of the certificate that proxy-servers show.'),
  'agent-cert': flag('string', '', 'Certificate shown to proxy-servers.'),
  'agent-key': flag('string', '', 'Its private key.'),
  'alpn-proto': flag('list', [], 'ALPN protocol to offer before h2; may be repeated.'),
  'service-account-token-path': flag('string', '', 'File with a token, sent at each connect.'),
  'keepalive-time': flag('duration', 3_600_000, 'Idle time before a proxy-server is pinged.'),
} as const;

const identity = {
  'agent-id': flag('string', '', 'ID by which servers tell agents apart.', {
    env: 'PROXY_AGENT_ID',
    initially: '$PROXY_AGENT_ID, else a random UUID',
  }),
  'agent-identifiers': flag(
    'string',
    '',
    'What the agent serves, as a URL query: host=NAME, ipv4=IP, ipv6=IP, cidr=NET, default-route=true.',
  ),
} as const;

const sync = {
  'sync-interval': flag('duration', 1000, 'Pause between two searches for missing proxy-servers.'),
  'sync-interval-cap': flag('duration', 10_000, 'Longest pause after failures.'),
  'probe-interval': flag('duration', 1000, 'Pause between two checks whether a server is about to end.'),
  'sync-forever': flag('bool', false, 'Search for servers also when all are found.'),
  'server-count-source': flag(
    'string',
    'default',
    "'default' counts leases with --count-server-leases, else uses the servers' number; 'max' uses the larger one.",
    { since: 'v0.31' },
  ),
  'count-server-leases': flag('bool', false, 'Count the proxy-servers by their leases.', {
    since: 'v0.31',
  }),
  'lease-namespace': flag('string', 'kube-system', 'Namespace of the leases.', { since: 'v0.31' }),
  'lease-label-selector': flag('selector', 'k8s-app=konnectivity-server', 'Which leases count.', {
    since: 'next',
  }),
  'lease-label': flag('selector', 'k8s-app=konnectivity-server', 'Which leases count.', {
    since: 'v0.31',
    alias: 'lease-label-selector',
    deprecated: 'Use --lease-label-selector instead',
  }),
  kubeconfig: flag('string', '', 'How to reach the Kubernetes API for leases.', { since: 'v0.31' }),
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

const operation = {
  'health-server-host': flag('string', '', 'Address of /healthz, /readyz and /metrics; empty for all.'),
  'health-server-port': flag('int', 8093, 'Its port.'),
  'admin-bind-address': flag('string', '127.0.0.1', 'Address of the admin port; empty for all interfaces.'),
  'admin-server-port': flag('int', 8094, 'Port of /metrics and of debugging.'),
  'xfr-channel-size': flag('int', 150, 'Packets queued for each connection and direction.', {
    since: 'v0.31',
    ignored: noEffect.packets,
  }),
  'warn-on-channel-limit': flag('bool', false, 'Warn of full queues.', {
    ignored: noEffect.packets,
  }),
  ...profilingFlags,
} as const;

/** Every flag of Konnectivity's proxy-agent. */
export const agentFlags = { ...server, ...identity, ...sync, ...operation, ...commonFlags } as const;

export type RawAgentFlags = ValuesOf<typeof agentFlags>;

export const agentGuide: ProgramGuide = {
  name: 'proxy-agent',
  summary:
    'A node agent: dials out to proxy-servers and opens connections to endpoints for them. ' +
    "It has the flags of Konnectivity's proxy-agent.",
  groups: [
    { title: 'Proxy-servers', flags: server },
    { title: 'Identity', flags: identity },
    { title: 'How many servers, and where', flags: sync },
    { title: 'Operation', flags: operation },
    ...commonGroups,
  ],
};
