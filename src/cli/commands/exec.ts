import { Command } from 'commander';
import { TunnelError } from '../../core/errors.js';
import type { RemoteCommandStreams, TerminalSize } from '../../streams/types.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { defaultLabFolder } from '../lab-files.js';
import { connectToLab } from '../remote-lab.js';
import { listenForSignals } from '../signals.js';
import { errorLines } from '../terminal.js';
import { option } from '../values.js';

interface ExecFlags {
  readonly dir: string;
  readonly namespace: string;
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

/** `konnsim exec` ends with the exit code of the remote command. 125 means that it could not be run or was lost. */
export function execCommand(invocation: Invocation): Command {
  return new Command('exec')
    .description('run a command in a container: gRPC to the kubelet, inside the tunnel; no kubectl needed')
    .argument('<pod>', 'pod, or namespace/pod')
    .argument('<command...>', 'the command, after --')
    .addOption(option('--dir <folder>', 'folder of the running lab').default(defaultLabFolder))
    .addOption(option('-n, --namespace <name>', 'namespace of the pod').default('default'))
    .addOption(option('-c, --container <name>', "container; default the pod's first"))
    .addOption(option('-i, --stdin', 'pass stdin on'))
    .addOption(option('-t, --tty', 'give the command a terminal'))
    .addHelpText(
      'after',
      examples(
        'konnsim exec web-1 -- hostname',
        'konnsim exec -it shell -- sh',
        'echo hello | konnsim exec -i default/pair -c sidecar -- cat',
      ),
    )
    .action(async (pod: string, command: string[], flags: ExecFlags) => {
      invocation.exitCode = await run(pod, command, flags);
    });
}

async function run(pod: string, command: readonly string[], flags: ExecFlags): Promise<number> {
  const target = pod.includes('/') ? pod : { namespace: flags.namespace, pod };
  const lab = await connectToLab(flags.dir, target);
  const interruption = listenForSignals();
  const terminal = openTerminal(flags);
  const streams: RemoteCommandStreams = {
    ...terminal.streams,
    stdout: process.stdout,
    ...(flags.tty ? {} : { stderr: process.stderr }),
    signal: interruption.signal,
  };
  try {
    const container = flags.container === undefined ? {} : { container: flags.container };
    const result = await lab.cluster.exec(target, command, streams, {
      tty: flags.tty ?? false,
      ...container,
    });
    if (result.kind === 'exit') return result.code;
    throw new TunnelError('COMMAND_NOT_FOUND', result.message, { where: 'kubelet' });
  } catch (caught) {
    // This comes first: in raw mode a line would not end.
    terminal.restore();
    if (interruption.signal.aborted) return await interruption.wanted;
    process.stderr.write(`${errorLines(caught)}\n`);
    return exitCodes.transport;
  } finally {
    terminal.restore();
    interruption.dispose();
    await lab.close();
  }
}

interface LocalTerminal {
  readonly streams: Pick<RemoteCommandStreams, 'stdin' | 'resize'>;
  restore(): void;
}

/** Opens stdin, in raw mode when the command has a terminal, and follows the size of the window. */
function openTerminal(flags: ExecFlags): LocalTerminal {
  const { stdin } = process;
  if (!flags.stdin) return { streams: {}, restore: () => undefined };
  const raw = flags.tty === true && stdin.isTTY === true;
  if (raw) stdin.setRawMode(true);
  return {
    streams: { stdin, ...(flags.tty ? { resize: windowSizes() } : {}) },
    restore: () => {
      if (raw) stdin.setRawMode(false);
      stdin.pause();
      // A file has no `unref`.
      stdin.unref?.();
    },
  };
}

/** The size of the window now and at each change. */
async function* windowSizes(): AsyncGenerator<TerminalSize> {
  const { stdout } = process;
  if (!stdout.isTTY) return;
  const size = (): TerminalSize => ({ width: stdout.columns, height: stdout.rows });
  yield size();
  for (;;) {
    await new Promise<void>((resolve) => stdout.once('resize', () => resolve()));
    yield size();
  }
}
