import { type ListenOn, type TlsFileNames, tlsFileNames } from '../option-types.js';
import type { RawAgentFlags } from './agent-flags.js';

export interface ServerCountFlags {
  /** `default`: the leases when they are counted, else the number that servers announce. `max`: the larger of both. */
  readonly source: 'default' | 'max';
  /** Absent when leases are not counted. */
  readonly leases: { readonly namespace: string; readonly labelSelector: string } | undefined;
}

/** The checked command line of an agent. Durations are milliseconds. */
export interface AgentFlagValues {
  /** From the flag, from the environment, or random. */
  readonly agentId: string;
  /** URL query. */
  readonly identifiers: string;
  readonly server: { readonly host: string; readonly port: number };
  readonly tls: TlsFileNames;
  /** ALPN protocols, offered before h2. */
  readonly alpnProtocols: readonly string[];
  /** Absent when the agent sends no token. */
  readonly tokenFile: string | undefined;
  readonly syncIntervalMs: number;
  readonly syncIntervalCapMs: number;
  readonly probeIntervalMs: number;
  readonly syncForever: boolean;
  readonly serverCount: ServerCountFlags;
  readonly keepaliveTimeMs: number;
  readonly health: ListenOn;
  readonly admin: ListenOn;
  /** Absent for the configuration that pods find in their cluster. */
  readonly kubeconfig: string | undefined;
  readonly verbosity: number;
}

/** Makes options from flags without a fault. */
export function agentOptions(flags: RawAgentFlags): AgentFlagValues {
  const named = (text: string): string | undefined => (text === '' ? undefined : text);
  return {
    agentId: flags['agent-id'],
    identifiers: flags['agent-identifiers'],
    server: { host: flags['proxy-server-host'], port: flags['proxy-server-port'] },
    tls: tlsFileNames(flags['agent-cert'], flags['agent-key'], flags['ca-cert']),
    alpnProtocols: flags['alpn-proto'],
    tokenFile: named(flags['service-account-token-path']),
    syncIntervalMs: flags['sync-interval'],
    syncIntervalCapMs: flags['sync-interval-cap'],
    probeIntervalMs: flags['probe-interval'],
    syncForever: flags['sync-forever'],
    serverCount: serverCountOf(flags),
    keepaliveTimeMs: flags['keepalive-time'],
    health: { host: flags['health-server-host'], port: flags['health-server-port'] },
    admin: { host: flags['admin-bind-address'], port: flags['admin-server-port'] },
    kubeconfig: named(flags.kubeconfig),
    verbosity: flags.v,
  };
}

function serverCountOf(flags: RawAgentFlags): ServerCountFlags {
  const leases = { namespace: flags['lease-namespace'], labelSelector: flags['lease-label-selector'] };
  return {
    source: flags['server-count-source'] === 'max' ? 'max' : 'default',
    leases: flags['count-server-leases'] ? leases : undefined,
  };
}
