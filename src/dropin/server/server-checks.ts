import type { StrategyName } from '../../core/strategy.js';
import { type FileCheck, fileFault, missingFile, pairFault } from '../file-checks.js';
import { durationText } from '../flags/go-duration.js';
import { readLabels } from '../flags/go-list.js';
import { goQuote } from '../flags/go-quote.js';
import type { ParseResult } from '../flags/parse-result.js';
import type { RawServerFlags } from './server-flags.js';
import { cipherSuiteFault, readTlsVersion } from './tls-limits.js';

/** The first fault of the flags, in Konnectivity's words and order. Undefined without a fault. */
export function serverFault(flags: RawServerFlags, check: FileCheck = missingFile): string | undefined {
  return (
    certificateFault(flags, check) ??
    frontendFault(flags) ??
    portFault(flags) ??
    profilingFault(flags) ??
    tokenFault(flags, check) ??
    strategyFault(flags['proxy-strategies']) ??
    queueFault(flags) ??
    faultOf(readTlsVersion(flags['tls-min-version'])) ??
    cipherSuiteFault(flags['cipher-suites']) ??
    (flags['enable-lease-controller'] ? faultOf(readLabels(flags['lease-label'])) : undefined) ??
    negativeFault('graceful-shutdown-timeout', flags) ??
    negativeFault('backend-dial-timeout', flags)
  );
}

function certificateFault(flags: RawServerFlags, check: FileCheck): string | undefined {
  return (
    pairFault(
      { what: 'server key', path: flags['server-key'] },
      { what: 'server cert', path: flags['server-cert'] },
      check,
    ) ??
    fileFault({ what: 'server CA cert', path: flags['server-ca-cert'] }, check) ??
    pairFault(
      { what: 'cluster key', path: flags['cluster-key'] },
      { what: 'cluster cert', path: flags['cluster-cert'] },
      check,
    ) ??
    fileFault({ what: 'cluster CA cert', path: flags['cluster-ca-cert'] }, check)
  );
}

function frontendFault(flags: RawServerFlags): string | undefined {
  const { mode } = flags;
  if (mode !== 'grpc' && mode !== 'http-connect') {
    return `mode must be set to either 'grpc' or 'http-connect' not ${goQuote(mode)}`;
  }
  if (flags['uds-name'] === '') {
    const needed = 'server ca cert must be set when in TCP mode (uds-name is empty)';
    return flags['server-ca-cert'] === '' ? needed : undefined;
  }
  if (flags['server-port'] !== 0) {
    return `server port should be set to 0 not ${flags['server-port']} for UDS`;
  }
  if (flags['server-key'] !== '') return 'server key should not be set for UDS';
  if (flags['server-cert'] !== '') return 'server cert should not be set for UDS';
  return flags['server-ca-cert'] === '' ? undefined : 'server ca cert should not be set for UDS';
}

const ports = ['server', 'agent', 'admin', 'health'] as const;
const firstFreePort = 1024;
const lastRegisteredPort = 49_151;

function portFault(flags: RawServerFlags): string | undefined {
  const text = (kind: string, name: string): string =>
    `please do not try to use ${kind} port ${flags[`${name}-port` as 'server-port']} for the ${name} port`;
  const ephemeral = ports.find((name) => flags[`${name}-port`] > lastRegisteredPort);
  if (ephemeral !== undefined) return text('ephemeral', ephemeral);
  const reserved = ports.find((name) => {
    const unused = name === 'server' && flags['uds-name'] !== '';
    return flags[`${name}-port`] < firstFreePort && !unused;
  });
  return reserved === undefined ? undefined : text('reserved', reserved);
}

function profilingFault(flags: RawServerFlags): string | undefined {
  if (!flags['enable-contention-profiling'] || flags['enable-profiling']) return undefined;
  return 'if --enable-contention-profiling is set, --enable-profiling must also be set';
}

export function wantsTokens(flags: RawServerFlags): boolean {
  return tokenFlags.some((name) => flags[name] !== '');
}

const tokenFlags = ['agent-namespace', 'agent-service-account', 'authentication-audience'] as const;

function tokenFault(flags: RawServerFlags, check: FileCheck): string | undefined {
  if (wantsTokens(flags)) {
    if (flags['cluster-ca-cert'] !== '') {
      return '--cluster-ca-cert can not be used when agent authentication is enabled';
    }
    const empty = tokenFlags.find((name) => flags[name] === '');
    if (empty !== undefined) return `--${empty} cannot be empty when agent authentication is enabled`;
  }
  const missing = check(flags.kubeconfig);
  return missing === undefined
    ? undefined
    : `checking KubeconfigPath ${goQuote(flags.kubeconfig)}, got ${missing}`;
}

function strategyFault(text: string): string | undefined {
  if (text === '') return 'ProxyStrategies cannot be empty';
  const fault = faultOf(readStrategies(text));
  return fault === undefined ? undefined : `invalid proxy strategies: ${fault}`;
}

/** Reads `--proxy-strategies`. Empty places in the list are ignored. */
export function readStrategies(text: string): ParseResult<readonly StrategyName[]> {
  const strategies: StrategyName[] = [];
  for (const name of text.split(',').filter((part) => part !== '')) {
    if (name !== 'default' && name !== 'destHost' && name !== 'defaultRoute') {
      return { fault: `unknown proxy strategy: ${name}` };
    }
    strategies.push(name);
  }
  return strategies.length > 0 ? { value: strategies } : { fault: 'proxy strategies cannot be empty' };
}

function queueFault(flags: RawServerFlags): string | undefined {
  const size = flags['xfr-channel-size'];
  if (size <= 0) return `channel size ${size} must be greater than 0`;
  const writes = flags['frontend-write-channel-size'];
  return writes < 0 ? `frontend write channel size ${writes} must be greater than or equal to 0` : undefined;
}

function negativeFault(
  name: 'graceful-shutdown-timeout' | 'backend-dial-timeout',
  flags: RawServerFlags,
): string | undefined {
  return flags[name] < 0 ? `${name} must be >= 0, got ${durationText(flags[name])}` : undefined;
}

function faultOf(reading: ParseResult<unknown>): string | undefined {
  return 'fault' in reading ? reading.fault : undefined;
}
