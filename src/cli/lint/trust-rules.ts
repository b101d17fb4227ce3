import { isIP } from 'node:net';
import { wantsTokens } from '../../dropin/server/server-checks.js';
import { tlsVersionWarnings } from '../../dropin/server/tls-limits.js';
import { isLoopback, knows, type Server } from './programs.js';
import { hasReference } from './read-flags.js';
import { eachAgent, eachServer, type Rule, type Setup } from './rule.js';

/** Certificates, tokens, and the addresses that they are checked against. */
export const trustRules: readonly Rule[] = [
  {
    id: 'agents-not-authenticated',
    severity: 'error',
    finds: 'A server lets in agents without certificate or token.',
    why: 'Any program that reaches its agent port can become an agent. It gets requests for kubelets, pods and webhooks.',
    fix: "Set --cluster-ca-cert to the CA of the agents' certificates, or the three flags of tokens.",
    evidence: "ANP's agent port asks for client certificates only with that flag",
    check: eachServer('cluster-ca-cert', ({ values }) =>
      values['cluster-ca-cert'] === '' && !wantsTokens(values)
        ? 'it has neither --cluster-ca-cert nor the flags of tokens'
        : undefined,
    ),
  },
  {
    id: 'cluster-certificate-missing',
    severity: 'error',
    finds: 'A server has no certificate for its agent port.',
    why: 'That port is always TLS, so the server does not start.',
    fix: 'Set --cluster-cert and --cluster-key.',
    evidence: "ANP's agent port always loads them",
    check: eachServer('cluster-cert', ({ values }) =>
      values['cluster-cert'] === '' && values['cluster-key'] === ''
        ? 'neither --cluster-cert nor --cluster-key is set'
        : undefined,
    ),
  },
  {
    id: 'agent-certificate-missing',
    severity: 'error',
    finds: 'An agent shows no certificate, and the servers want one.',
    why: 'The handshake fails, and there is no agent.',
    fix: 'Set --agent-cert and --agent-key, with a certificate of the CA in --cluster-ca-cert.',
    evidence: "client certificates of ANP's agent port",
    check: eachAgent('agent-cert', ({ values }, { servers }) =>
      values['agent-cert'] === '' && isEach(servers, (server) => server.values['cluster-ca-cert'] !== '')
        ? 'the servers have --cluster-ca-cert, and it has no --agent-cert'
        : undefined,
    ),
  },
  {
    id: 'agent-ca-missing',
    severity: 'warning',
    finds: 'An agent has no CA for the servers.',
    why: 'Released agents load that file always, and an empty name fails.',
    fix: 'Set --ca-cert to the CA of the certificate in --cluster-cert.',
    evidence: 'read in the code of the agent, not run',
    check: eachAgent('ca-cert', ({ values }) =>
      values['ca-cert'] === '' ? '--ca-cert is not set' : undefined,
    ),
  },
  {
    id: 'token-missing',
    severity: 'error',
    finds: 'An agent sends no token, and the servers want one.',
    why: 'They refuse it. Its log says only “expected one server ID in the context, got []”.',
    fix: 'Set --service-account-token-path, with a projected token for the audience of the servers.',
    evidence: 'kubermatic/kubermatic#9173',
    check: eachAgent('service-account-token-path', ({ values }, { servers }) =>
      values['service-account-token-path'] === '' && isEach(servers, (server) => wantsTokens(server.values))
        ? 'the servers want tokens, and it has no --service-account-token-path'
        : undefined,
    ),
  },
  {
    id: 'token-unread',
    severity: 'note',
    finds: 'An agent sends a token, and no server reads it.',
    why: 'The token proves nothing there.',
    fix: 'Set --agent-namespace, --agent-service-account and --authentication-audience at the servers, or remove the token.',
    evidence: 'agent authentication of ANP',
    check: eachAgent('service-account-token-path', ({ values }, { servers }) =>
      values['service-account-token-path'] !== '' && isEach(servers, (server) => !wantsTokens(server.values))
        ? 'no server has the flags of tokens'
        : undefined,
    ),
  },
  {
    id: 'token-audience-differs',
    severity: 'error',
    finds: "The pod's token is for another audience than the servers want.",
    why: 'TokenReview refuses it, and the server refuses the agent. Its log says only “expected one server ID in the context, got []”.',
    fix: "Make the token's audience and --authentication-audience equal, such as system:konnectivity-server.",
    evidence: 'kubermatic/kubermatic#9173',
    check: eachAgent('service-account-token-path', (agent, setup) => {
      const audiences = agent.pod?.tokenAudiences ?? [];
      const wanted = wantedBy(setup, 'authentication-audience');
      if (agent.values['service-account-token-path'] === '' || audiences.length === 0) return undefined;
      return wanted.length > 0 &&
        !wanted.some((one) => audiences.includes(one) || audiences.some(hasReference))
        ? `its token is for ${audiences.join(', ')}, the servers want ${wanted.join(', ')}`
        : undefined;
    }),
  },
  {
    id: 'token-account-differs',
    severity: 'error',
    finds: 'The pod runs as another service account than the servers want.',
    why: 'The server refuses its token.',
    fix: "Make --agent-namespace and --agent-service-account those of the agent's pod.",
    evidence: 'agent authentication of ANP',
    check: eachAgent('service-account-token-path', (agent, setup) => {
      if (agent.pod === undefined || agent.values['service-account-token-path'] === '') return undefined;
      const { namespace, serviceAccount } = agent.pod;
      const [accounts, namespaces] = [
        wantedBy(setup, 'agent-service-account'),
        wantedBy(setup, 'agent-namespace'),
      ];
      if (accounts.length > 0 && !accounts.includes(serviceAccount))
        return `it runs as ${serviceAccount}, the servers want ${accounts.join(', ')}`;
      return namespace !== undefined && namespaces.length > 0 && !namespaces.includes(namespace)
        ? `it runs in ${namespace}, the servers want ${namespaces.join(', ')}`
        : undefined;
    }),
  },
  {
    id: 'frontend-tls-incomplete',
    severity: 'error',
    finds: 'Frontends connect over TCP, without all that TLS needs.',
    why: 'The port is always TLS. Without --server-ca-cert releases from v0.35 on do not start, and older ones ask no client for a certificate: a program that reaches the port reaches every node.',
    fix: 'Set --server-cert, --server-key and --server-ca-cert, or use --uds-name with --server-port=0.',
    evidence: "validation of ANP's server from v0.35 on",
    check: eachServer('server-ca-cert', ({ values }) => {
      const missing = (['server-cert', 'server-key', 'server-ca-cert'] as const).filter(
        (name) => values[name] === '',
      );
      return values['uds-name'] === '' && missing.length > 0
        ? `frontends connect over TCP, without ${missing.map((name) => `--${name}`).join(', ')}`
        : undefined;
    }),
  },
  {
    id: 'grpc-over-tcp',
    severity: 'warning',
    finds: 'Frontends speak gRPC over TCP.',
    why: 'kube-apiserver speaks gRPC over a Unix socket only.',
    fix: 'Set --mode=http-connect, or --uds-name with --server-port=0.',
    evidence: 'kubernetes/kubernetes#126339',
    check: eachServer('mode', ({ values }) =>
      values.mode === 'grpc' && values['uds-name'] === ''
        ? 'the mode is grpc, and there is no --uds-name'
        : undefined,
    ),
  },
  {
    id: 'one-ca-for-agents-and-frontends',
    severity: 'warning',
    finds: 'Agents and frontends have the same CA.',
    why: 'The ports check the CA and no names. So the certificate of any agent opens the port of the frontends, and with it every node.',
    fix: 'Give frontends a CA of their own.',
    evidence: "ANP's server checks no names of clients",
    check: eachServer('server-ca-cert', ({ values }) =>
      values['server-ca-cert'] !== '' && values['server-ca-cert'] === values['cluster-ca-cert']
        ? `--server-ca-cert and --cluster-ca-cert are both ${values['server-ca-cert']}`
        : undefined,
    ),
  },
  {
    id: 'server-name-is-address',
    severity: 'note',
    finds: 'An agent dials the servers by IP address.',
    why: 'The certificate in --cluster-cert must have that very address, that of the balancer. When the balancer moves, all agents fail at their next connect.',
    fix: 'Check the addresses in the certificate, or use a name.',
    evidence: 'TLS of the agent: the server name is --proxy-server-host',
    check: eachAgent('proxy-server-host', ({ values }) =>
      isIP(values['proxy-server-host']) !== 0 && !isLoopback(values['proxy-server-host'])
        ? `the certificate of the servers must have the address ${values['proxy-server-host']}`
        : undefined,
    ),
  },
  {
    id: 'agent-dials-loopback',
    severity: 'warning',
    finds: 'An agent looks for the servers on its own host.',
    why: 'The default is 127.0.0.1. A node has no server there.',
    fix: 'Set --proxy-server-host to the address of the servers or of their balancer.',
    evidence: 'flags of the agent',
    check: eachAgent('proxy-server-host', (agent, { servers }) => {
      const host = agent.values['proxy-server-host'];
      const together = servers.some(({ pod }) => pod !== undefined && pod.object === agent.pod?.object);
      if (!isLoopback(host) || together) return undefined;
      return `it dials ${host}${agent.given.has('proxy-server-host') ? '' : ', the default'}`;
    }),
  },
  {
    id: 'agent-port-differs',
    severity: 'note',
    finds: "An agent dials another port than the servers' agent port.",
    why: 'That is right only when something between them changes the port.',
    fix: 'Compare --proxy-server-port with --agent-port.',
    evidence: 'flags of both',
    check: eachAgent('proxy-server-port', ({ values }, { servers }) =>
      isEach(
        servers,
        (one) => knows(one, 'agent-port') && one.values['agent-port'] !== values['proxy-server-port'],
      )
        ? `it dials port ${values['proxy-server-port']}, the servers listen on ${portsOf(servers)}`
        : undefined,
    ),
  },
  {
    id: 'tls-version-old',
    severity: 'warning',
    finds: 'A server accepts TLS below 1.2.',
    why: 'These versions are insecure (RFC 8996). Agents use 1.2 or newer in any case.',
    fix: 'Remove --tls-min-version, or set VersionTLS12.',
    evidence: 'RFC 8996',
    check: eachServer('tls-min-version', ({ values }) => tlsVersionWarnings(values['tls-min-version'])[0]),
  },
];

/** False without servers. */
function isEach(servers: readonly Server[], test: (server: Server) => boolean): boolean {
  return servers.length > 0 && servers.every(test);
}

/** What the servers demand of tokens. Empty when one of them does not say it. */
function wantedBy(
  { servers }: Setup,
  flag: 'authentication-audience' | 'agent-service-account' | 'agent-namespace',
): readonly string[] {
  const wanted = servers.filter(({ values }) => wantsTokens(values));
  return wanted.every((server) => knows(server, flag))
    ? [...new Set(wanted.map(({ values }) => values[flag]))]
    : [];
}

function portsOf(servers: readonly Server[]): string {
  return [...new Set(servers.map(({ values }) => values['agent-port']))].join(', ');
}
