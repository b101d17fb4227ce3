import { type Environment, type FlagOutcome, type Program, readCommandLine } from '../outcome.js';
import { versionText } from '../version-text.js';
import { serverFault } from './server-checks.js';
import { serverFlags, serverGuide } from './server-flags.js';
import { type ServerFlagValues, serverOptions } from './server-options.js';
import { tlsVersionWarnings } from './tls-limits.js';

const program: Program<typeof serverFlags, ServerFlagValues> = {
  guide: serverGuide,
  role: 'server',
  flags: serverFlags,
  versionText: () => versionText(serverGuide.name),
  fault: serverFault,
  options: serverOptions,
  warnings: (flags) => tlsVersionWarnings(flags['tls-min-version']),
};

/** Reads and checks the words behind `proxy-server`. Looks whether named files exist, and opens none. */
export function parseServerFlags(argv: readonly string[], env: Environment): FlagOutcome<ServerFlagValues> {
  return readCommandLine(program, argv, env);
}
