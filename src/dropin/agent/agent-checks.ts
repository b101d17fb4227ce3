import {
  agentIdRule,
  isAgentId,
  parseAgentIdentifiers,
  unknownIdentifierType,
} from '../../core/identifiers.js';
import { type FileCheck, fileFault, missingFile, pairFault } from '../file-checks.js';
import { durationText } from '../flags/go-duration.js';
import { goQuote } from '../flags/go-quote.js';
import type { RawAgentFlags } from './agent-flags.js';

/** The first fault of the flags, in Konnectivity's words and order. Undefined without a fault. */
export function agentFault(flags: RawAgentFlags, check: FileCheck = missingFile): string | undefined {
  return (
    pairFault(
      { what: 'agent key', path: flags['agent-key'] },
      { what: 'agent cert', path: flags['agent-cert'] },
      check,
    ) ??
    fileFault({ what: 'agent CA cert', path: flags['ca-cert'] }, check) ??
    portFault('proxy server', flags['proxy-server-port']) ??
    portFault('health server', flags['health-server-port']) ??
    portFault('admin server', flags['admin-server-port']) ??
    queueFault(flags['xfr-channel-size']) ??
    profilingFault(flags) ??
    syncFault(flags) ??
    fileFault({ what: 'service account token path', path: flags['service-account-token-path'] }, check) ??
    agentIdFault(flags['agent-id']) ??
    identifierFault(flags['agent-identifiers']) ??
    kubeconfigFault(flags.kubeconfig, check) ??
    countSourceFault(flags['server-count-source'])
  );
}

const lastPort = 65_535;

function portFault(what: string, port: number): string | undefined {
  if (port <= 0) return `${what} port ${port} must be greater than 0`;
  // Konnectivity finds this fault only when it dials or listens.
  return port > lastPort ? `${what} port ${port} must not be greater than ${lastPort}` : undefined;
}

function queueFault(size: number): string | undefined {
  return size <= 0 ? `channel size ${size} must be greater than 0` : undefined;
}

function profilingFault(flags: RawAgentFlags): string | undefined {
  if (!flags['enable-contention-profiling'] || flags['enable-profiling']) return undefined;
  return 'if --enable-contention-profiling is set, --enable-profiling must also be set';
}

function syncFault(flags: RawAgentFlags): string | undefined {
  const [interval, cap] = [flags['sync-interval'], flags['sync-interval-cap']];
  if (interval <= cap) return undefined;
  return `sync interval ${durationText(interval)} must be less than sync interval cap ${durationText(cap)}`;
}

/** Konnectivity's agent does not check this. With an ID that no server accepts it would search for servers for ever. */
function agentIdFault(id: string): string | undefined {
  return isAgentId(id) ? undefined : `expected ${agentIdRule} of printable ASCII, got ${id.length}`;
}

function identifierFault(text: string): string | undefined {
  const parsed = parseAgentIdentifiers(text);
  if ('fault' in parsed) {
    return `agent address is invalid: ${parsed.fault.replace('fail to parse url encoded string: ', '')}`;
  }
  // The leading & keeps a ? in the first name, as in Go.
  for (const type of new URLSearchParams(`&${text}`).keys()) {
    const unknown = unknownIdentifierType(`${type}=`);
    if (unknown !== undefined) return `agent address is invalid: unknown address type: ${type}`;
  }
  return undefined;
}

function kubeconfigFault(path: string, check: FileCheck): string | undefined {
  const missing = check(path);
  return missing === undefined ? undefined : `error checking KubeconfigPath ${goQuote(path)}, got ${missing}`;
}

function countSourceFault(source: string): string | undefined {
  if (['', 'default', 'max'].includes(source)) return undefined;
  return `--server-count-source must be one of '', 'default', 'max', got ${source}`;
}
