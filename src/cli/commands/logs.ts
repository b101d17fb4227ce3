import { once } from 'node:events';
import { Command } from 'commander';
import { TunnelError } from '../../core/errors.js';
import { defaultLabFolder } from '../lab-files.js';
import type { CommandEnd } from '../main.js';
import { connectToLab } from '../remote.js';
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

/** `konnsim logs`. */
export function logsCommand(end: CommandEnd): Command {
  return new Command('logs')
    .description('print the log of a container: gRPC to the kubelet, inside the tunnel; no kubectl needed')
    .argument('<pod>', 'pod, or namespace/pod')
    .addOption(option('--dir <folder>', 'folder of the running lab').default(defaultLabFolder))
    .addOption(option('-n, --namespace <name>', 'namespace of the pod').default('default'))
    .addOption(option('-c, --container <name>', "container; default the pod's first"))
    .option('-f, --follow', 'go on until interrupted')
    .option('-p, --previous', 'the log of the instance before the last restart')
    .option('--timestamps', 'begin each line with its time')
    .option('--tail <lines>', 'only the last lines', wholeNumber(0, greatest))
    .option('--since <duration>', 'only what is younger than this, such as 30s', durationMs)
    .option('--limit-bytes <bytes>', 'stop after so many bytes', wholeNumber(1, greatest))
    .action(async (pod: string, flags: LogsFlags) => {
      end.exitCode = await run(pod, flags);
    });
}

async function run(pod: string, flags: LogsFlags): Promise<number> {
  const lab = await connectToLab(flags.dir);
  const interruption = listenForSignals();
  const target = pod.includes('/') ? pod : { namespace: flags.namespace, pod };
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
