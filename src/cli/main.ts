import { Command, CommanderError } from 'commander';
import { TunnelError } from '../core/errors.js';
import { agentCommand } from './commands/agent.js';
import { apiserverCommand } from './commands/apiserver.js';
import { certsCommand } from './commands/certs.js';
import { demoCommand } from './commands/demo.js';
import { execCommand } from './commands/exec.js';
import { kubeletCommand } from './commands/kubelet.js';
import { logsCommand } from './commands/logs.js';
import { portForwardCommand } from './commands/port-forward.js';
import { serverCommand } from './commands/server.js';
import { upCommand } from './commands/up.js';
import { exitCodeFor, exitCodes } from './exit-codes.js';
import { packageVersion } from './package-version.js';
import { errorLines } from './terminal.js';

const commands = [
  demoCommand,
  upCommand,
  execCommand,
  logsCommand,
  portForwardCommand,
  certsCommand,
  serverCommand,
  agentCommand,
  kubeletCommand,
  apiserverCommand,
];

/** What a command says about its end; without it the exit code is 0. */
export interface CommandEnd {
  exitCode: number;
}

/** Runs the command line and returns its exit code. Never throws: whatever goes wrong is said on stderr. */
export async function main(args: readonly string[]): Promise<number> {
  const end: CommandEnd = { exitCode: exitCodes.ok };
  const program = createProgram(end);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return end.exitCode;
  } catch (caught) {
    if (caught instanceof CommanderError) return caught.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`${errorLines(caught)}\n`);
    return exitCodeFor(TunnelError.from(caught).code);
  }
}

function createProgram(end: CommandEnd): Command {
  const program = new Command('konnsim');
  program
    .description(
      'A Kubernetes control plane, nodes that only dial out, and the tunnel between them, on one machine.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('(run it with --help to see what it takes)')
    .exitOverride();
  for (const make of commands) {
    const command = make(end);
    command.exitOverride().showHelpAfterError('(run it with --help to see what it takes)');
    program.addCommand(command);
  }
  return program;
}
