import { once } from 'node:events';
import { Command } from 'commander';
import { TunnelError } from '../../core/errors.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { defaultLabFolder } from '../lab-files.js';
import { connectToLab } from '../remote-lab.js';
import { listenForSignals } from '../signals.js';
import { durationMs, option, wholeNumber } from '../values.js';

interface LogsFlags {
  readonly dir: string;
  readonly namespace: string;
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: number;
  readonly since?: number;
  readonly limitBytes?: number;
}

const greatest = Number.MAX_SAFE_INTEGER;

export function logsCommand(invocation: Invocation): Command {
  return new Command('logs')
    .description('print the log of a container: gRPC to the kubelet, inside the tunnel; no kubectl needed')
    .argument('<pod>', 'pod, or namespace/pod')
    .addOption(option('--dir <folder>', 'folder of the running lab').default(defaultLabFolder))
    .addOption(option('-n, --namespace <name>', 'namespace of the pod').default('default'))
    .addOption(option('-c, --container <name>', "container; default the pod's first"))
    .addOption(option('-f, --follow', 'follow the log until interrupted'))
    .addOption(option('-p, --previous', 'the log before the last restart'))
    .addOption(option('--timestamps', 'print the time before each line'))
    .addOption(option('--tail <lines>', 'only the last lines').argParser(wholeNumber(0, greatest)))
    .addOption(
      option('--since <duration>', 'only lines of this last time, such as 30s').argParser(durationMs),
    )
    .addOption(
      option('--limit-bytes <bytes>', 'stop after this many bytes').argParser(wholeNumber(1, greatest)),
    )
    .addHelpText('after', examples('konnsim logs -f counter', 'konnsim logs --tail 5 --timestamps web-1'))
    .action(async (pod: string, flags: LogsFlags) => {
      invocation.exitCode = await run(pod, flags);
    });
}

async function run(pod: string, flags: LogsFlags): Promise<number> {
  const target = pod.includes('/') ? pod : { namespace: flags.namespace, pod };
  const lab = await connectToLab(flags.dir, target);
  const interruption = listenForSignals();
  try {
    const options = { ...logOptions(flags), signal: interruption.signal };
    for await (const chunk of lab.cluster.logs(target, options)) {
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
    }
    return 0;
  } catch (caught) {
    if (interruption.signal.aborted) return await interruption.wanted;
    throw TunnelError.from(caught);
  } finally {
    interruption.dispose();
    await lab.close();
  }
}

function logOptions(flags: LogsFlags) {
  return {
    follow: flags.follow ?? false,
    previous: flags.previous ?? false,
    timestamps: flags.timestamps ?? false,
    ...(flags.container === undefined ? {} : { container: flags.container }),
    ...(flags.tail === undefined ? {} : { tailLines: flags.tail }),
    ...(flags.since === undefined ? {} : { sinceTimeMs: Date.now() - flags.since }),
    ...(flags.limitBytes === undefined ? {} : { limitBytes: flags.limitBytes }),
  };
}
