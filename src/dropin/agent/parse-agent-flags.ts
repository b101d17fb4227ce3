import { type Environment, type FlagOutcome, type Program, readCommandLine } from '../command-line.js';
import { versionText } from '../version-text.js';
import { agentFault } from './agent-checks.js';
import { agentFlags, agentGuide } from './agent-flags.js';
import { type AgentFlagValues, agentOptions } from './agent-options.js';

const program: Program<typeof agentFlags, AgentFlagValues> = {
  guide: agentGuide,
  role: 'agent',
  flags: agentFlags,
  versionText: () => versionText(agentGuide.name),
  fault: agentFault,
  options: agentOptions,
  warnings: () => [],
};

/** Reads and checks the arguments of `proxy-agent`. Checks that named files exist, but does not open them. */
export function parseAgentFlags(argv: readonly string[], env: Environment): FlagOutcome<AgentFlagValues> {
  return readCommandLine(program, argv, env);
}
