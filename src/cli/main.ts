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
import { examples, explainUsageErrors, helpGroups } from './help.js';
import type { Invocation } from './invocation.js';
import { watchOutput } from './output-watch.js';
import { packageVersion } from './package-version.js';
import { errorLines } from './terminal.js';
import { option } from './values.js';

const commands = {
  tour: [demoCommand],
  lab: [upCommand, execCommand, logsCommand, portForwardCommand],
  roles: [certsCommand, serverCommand, agentCommand, kubeletCommand, apiserverCommand],
} as const;

/** Runs the command line and returns its exit code. Never throws: whatever goes wrong is said on stderr. */
export async function main(args: readonly string[]): Promise<number> {
  const output = watchOutput();
  const code = await run(args);
  return output.exitCode ?? code;
}

async function run(args: readonly string[]): Promise<number> {
  const invocation: Invocation = { exitCode: exitCodes.ok, colour: true };
  try {
    await createProgram(invocation).parseAsync([...args], { from: 'user' });
    return invocation.exitCode;
  } catch (caught) {
    // It has been said already.
    if (caught instanceof CommanderError) return caught.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`${errorLines(caught)}\n`);
    return exitCodeFor(TunnelError.from(caught).code);
  }
}

function createProgram(invocation: Invocation): Command {
  const program = new Command('konnsim');
  program
    .description(
      'A Kubernetes control plane, nodes that only dial out, and the tunnel between them, on one machine.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .addOption(option('--no-color', 'plain text; NO_COLOR does the same'))
    .helpCommand(false)
    .addHelpText('after', overview)
    .hook('preAction', () => {
      invocation.colour = program.opts<{ color: boolean }>().color;
    });
  explainUsageErrors(program, 'konnsim');
  for (const group of ['tour', 'lab', 'roles'] as const) {
    for (const make of commands[group]) add(program, make(invocation).helpGroup(helpGroups[group]));
  }
  add(program, helpCommand(program).helpGroup(helpGroups.tour));
  return program;
}

const overview = `${examples(
  'konnsim demo',
  'konnsim up                          # then, in another terminal:',
  'konnsim exec -it shell -- sh',
)}

Flags are read from the environment too: --api-port from KONNSIM_API_PORT.
Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not ready in time, 6 no lab there, 125 exec lost its command.`;

function add(program: Command, command: Command): void {
  explainUsageErrors(command, `konnsim ${command.name()}`);
  program.addCommand(command);
}

/** `konnsim help [command]`. */
function helpCommand(program: Command): Command {
  return new Command('help')
    .description('show the help of a command')
    .argument('[command]')
    .action((name: string | undefined) => {
      const found = name === undefined ? program : program.commands.find((one) => one.name() === name);
      if (found === undefined) program.error(`error: unknown command '${name}'`);
      found.outputHelp();
    });
}
