import type { StrategyName } from '../../core/strategy.js';
import type { RateLimit } from '../../kube/token-bucket.js';
import { checked } from '../command-line.js';
import { readLabels } from '../flags/go-list.js';
import { type ListenOn, type TlsFileNames, tlsFileNames } from '../option-types.js';
import { readStrategies, wantsTokens } from './server-checks.js';
import type { RawServerFlags } from './server-flags.js';
import { readTlsVersion, type TlsLimits, tlsLimits } from './tls-limits.js';

/** Where frontends connect. With TCP there is always a CA: frontends need a certificate. */
export type FrontendFlags =
  | { readonly kind: 'unix'; readonly path: string; readonly deleteExisting: boolean }
  | ({ readonly kind: 'tcp'; readonly tls: TlsFileNames } & ListenOn);

export interface AgentTokenFlags {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audience: string;
}

/** The checked command line of a proxy-server. Durations are milliseconds, with Konnectivity's meaning of 0. */
export interface ServerFlagValues {
  readonly mode: 'grpc' | 'http-connect';
  /** From the flag, from the environment, or random. */
  readonly serverId: string;
  readonly serverCount: number;
  readonly frontend: FrontendFlags;
  /** Without a CA agents need no client certificate. */
  readonly agents: ListenOn & { readonly tls: TlsFileNames };
  readonly health: ListenOn;
  readonly admin: ListenOn;
  /** For all TLS ports. */
  readonly tlsLimits: TlsLimits;
  readonly strategies: readonly StrategyName[];
  readonly keepaliveTimeMs: number;
  readonly frontendKeepaliveTimeMs: number;
  readonly backendDialTimeoutMs: number;
  readonly gracefulShutdownTimeoutMs: number;
  /** Absent when agents need no tokens. */
  readonly agentTokens: AgentTokenFlags | undefined;
  /** Absent when this server has no lease. */
  readonly lease:
    | { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
    | undefined;
  /** Absent for the configuration that pods find in their cluster. */
  readonly kubeconfig: string | undefined;
  /** The limit of requests to that API. 0 in either field means the usual limit. */
  readonly kubeLimit: RateLimit;
  readonly verbosity: number;
}

/** Makes options from flags without a fault. */
export function serverOptions(flags: RawServerFlags): ServerFlagValues {
  return {
    mode: flags.mode === 'grpc' ? 'grpc' : 'http-connect',
    serverId: flags['server-id'],
    serverCount: flags['server-count'],
    frontend: frontendOf(flags),
    agents: {
      host: flags['agent-bind-address'],
      port: flags['agent-port'],
      tls: tlsFileNames(flags['cluster-cert'], flags['cluster-key'], flags['cluster-ca-cert']),
    },
    health: { host: flags['health-bind-address'], port: flags['health-port'] },
    admin: { host: flags['admin-bind-address'], port: flags['admin-port'] },
    tlsLimits: tlsLimits(checked(readTlsVersion(flags['tls-min-version'])), flags['cipher-suites']),
    strategies: checked(readStrategies(flags['proxy-strategies'])),
    keepaliveTimeMs: flags['keepalive-time'],
    frontendKeepaliveTimeMs: flags['frontend-keepalive-time'],
    backendDialTimeoutMs: flags['backend-dial-timeout'],
    gracefulShutdownTimeoutMs: flags['graceful-shutdown-timeout'],
    agentTokens: wantsTokens(flags) ? tokensOf(flags) : undefined,
    lease: flags['enable-lease-controller'] ? leaseOf(flags) : undefined,
    kubeconfig: flags.kubeconfig === '' ? undefined : flags.kubeconfig,
    kubeLimit: { qps: flags['kubeconfig-qps'], burst: flags['kubeconfig-burst'] },
    verbosity: flags.v,
  };
}

function frontendOf(flags: RawServerFlags): FrontendFlags {
  const path = flags['uds-name'];
  if (path !== '') return { kind: 'unix', path, deleteExisting: flags['delete-existing-uds-file'] };
  return {
    kind: 'tcp',
    host: flags['server-bind-address'],
    port: flags['server-port'],
    tls: tlsFileNames(flags['server-cert'], flags['server-key'], flags['server-ca-cert']),
  };
}

function tokensOf(flags: RawServerFlags): AgentTokenFlags {
  return {
    namespace: flags['agent-namespace'],
    serviceAccount: flags['agent-service-account'],
    audience: flags['authentication-audience'],
  };
}

function leaseOf(flags: RawServerFlags): ServerFlagValues['lease'] {
  return { namespace: flags['lease-namespace'], labels: checked(readLabels(flags['lease-label'])) };
}
