import { type Environment, type FlagOutcome, type Program, readCommandLine } from '../command-line.js';
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

/** Reads and checks the arguments of `proxy-server`. Checks that named files exist, but does not open them. */
export function parseServerFlags(argv: readonly string[], env: Environment): FlagOutcome<ServerFlagValues> {
  return readCommandLine(program, argv, env);
}
