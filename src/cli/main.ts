import { Command, CommanderError } from 'commander';
import { packageVersion } from '../control/package-version.js';
import { TunnelError } from '../core/errors.js';
import { exitCodeFor, exitCodes } from './exit-codes.js';
import { examples, explainUsageErrors, helpGroups } from './help.js';
import type { Invocation } from './invocation.js';
import { watchOutput } from './output-watch.js';
import { errorLines } from './terminal.js';
import { option } from './values.js';

interface CommandEntry {
  readonly group: keyof typeof helpGroups;
  /** Commands are loaded when they are called: `exec` does not need the code of `up`. */
  readonly load: () => Promise<(invocation: Invocation) => Command>;
}

const commands: Readonly<Record<string, CommandEntry>> = {
  demo: { group: 'tour', load: async () => (await import('./commands/demo.js')).demoCommand },
  lesson: { group: 'tour', load: async () => (await import('./commands/lesson.js')).lessonCommand },
  up: { group: 'lab', load: async () => (await import('./commands/up.js')).upCommand },
  exec: { group: 'lab', load: async () => (await import('./commands/exec.js')).execCommand },
  logs: { group: 'lab', load: async () => (await import('./commands/logs.js')).logsCommand },
  'port-forward': {
    group: 'lab',
    load: async () => (await import('./commands/port-forward.js')).portForwardCommand,
  },
  webhook: { group: 'lab', load: async () => (await import('./commands/webhook.js')).webhookCommand },
  scenario: { group: 'lab', load: async () => (await import('./commands/scenario.js')).scenarioCommand },
  status: { group: 'control', load: async () => (await import('./commands/status.js')).statusCommand },
  fault: { group: 'control', load: async () => (await import('./commands/fault.js')).faultCommand },
  part: { group: 'control', load: async () => (await import('./commands/part.js')).partCommand },
  reset: { group: 'control', load: async () => (await import('./commands/reset.js')).resetCommand },
  explain: { group: 'control', load: async () => (await import('./commands/explain.js')).explainCommand },
  events: { group: 'control', load: async () => (await import('./commands/events.js')).eventsCommand },
  ready: { group: 'roles', load: async () => (await import('./commands/ready.js')).readyCommand },
  certs: { group: 'roles', load: async () => (await import('./commands/certs.js')).certsCommand },
  server: { group: 'roles', load: async () => (await import('./commands/server.js')).serverCommand },
  agent: { group: 'roles', load: async () => (await import('./commands/agent.js')).agentCommand },
  kubelet: { group: 'roles', load: async () => (await import('./commands/kubelet.js')).kubeletCommand },
  node: { group: 'roles', load: async () => (await import('./commands/node.js')).nodeCommand },
  apiserver: { group: 'roles', load: async () => (await import('./commands/apiserver.js')).apiserverCommand },
  store: { group: 'roles', load: async () => (await import('./commands/store.js')).storeCommand },
  middlebox: { group: 'roles', load: async () => (await import('./commands/middlebox.js')).middleboxCommand },
  lint: { group: 'real', load: async () => (await import('./commands/lint.js')).lintCommand },
};

/** The command that is called by name. Without one, all commands, for help and errors. */
function wantedCommands(args: readonly string[]): readonly CommandEntry[] {
  if (args[0] === '--version' || args[0] === '-V') return [];
  const name = args.find((arg) => arg !== '--no-color') ?? '';
  const called = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return called === undefined ? Object.values(commands) : [called];
}

/** Runs the command line and returns its exit code. Never throws: all failures are printed on stderr. */
export async function main(args: readonly string[]): Promise<number> {
  const output = watchOutput();
  const code = await run(args);
  return output.exitCode ?? code;
}

async function run(args: readonly string[]): Promise<number> {
  const invocation: Invocation = { exitCode: exitCodes.ok, colour: true };
  try {
    const program = await createProgram(invocation, args);
    await program.parseAsync([...args], { from: 'user' });
    return invocation.exitCode;
  } catch (caught) {
    // It was printed already.
    if (caught instanceof CommanderError) return caught.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`${errorLines(caught)}\n`);
    return exitCodeFor(TunnelError.from(caught).code);
  }
}

async function createProgram(invocation: Invocation, args: readonly string[]): Promise<Command> {
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
  for (const { group, load } of wantedCommands(args)) {
    const make = await load();
    add(program, make(invocation).helpGroup(helpGroups[group]));
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
Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not ready in time, 4 lint found something or an expectation failed, 5 a fault matched nothing, 6 no lab there, 125 exec lost its command.`;

function add(program: Command, command: Command): void {
  explainUsageErrors(command, `konnsim ${command.name()}`);
  for (const inner of command.commands)
    explainUsageErrors(inner, `konnsim ${command.name()} ${inner.name()}`);
  program.addCommand(command);
}

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
