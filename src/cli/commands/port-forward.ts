import { Command } from 'commander';
import { TunnelError } from '../../core/errors.js';
import type { ClusterClient, PodTarget } from '../../lab/cluster-client.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { defaultLabFolder } from '../lab-files.js';
import { connectToLab } from '../remote-lab.js';
import { listenForSignals } from '../signals.js';
import { errorLines } from '../terminal.js';
import { option } from '../values.js';

interface PortForwardFlags {
  readonly dir: string;
  readonly namespace: string;
}

interface PortPair {
  readonly local: number;
  readonly remote: number;
}

export function portForwardCommand(invocation: Invocation): Command {
  return new Command('port-forward')
    .description(
      'forward local ports to ports of a pod: gRPC to the kubelet, inside the tunnel; no kubectl needed',
    )
    .argument('<pod>', 'pod, or namespace/pod')
    .argument('<ports...>', 'LOCAL:REMOTE, :REMOTE for a free local port, or PORT for the same on both sides')
    .addOption(option('--dir <folder>', 'folder of the running lab').default(defaultLabFolder))
    .addOption(option('-n, --namespace <name>', 'namespace of the pod').default('default'))
    .addHelpText('after', examples('konnsim port-forward web-1 8080', 'konnsim port-forward echo :7'))
    .action(async (pod: string, ports: string[], flags: PortForwardFlags) => {
      invocation.exitCode = await run(pod, ports.map(parsePorts), flags);
    });
}

async function run(pod: string, ports: readonly PortPair[], flags: PortForwardFlags): Promise<number> {
  const target = pod.includes('/') ? pod : { namespace: flags.namespace, pod };
  const lab = await connectToLab(flags.dir, target);
  const interruption = listenForSignals();
  try {
    for (const pair of ports) await forward(lab.cluster, target, pair);
    return await interruption.wanted;
  } finally {
    interruption.dispose();
    await lab.close();
  }
}

async function forward(
  cluster: ClusterClient,
  target: PodTarget,
  { local, remote }: PortPair,
): Promise<void> {
  const onError = (error: TunnelError): void => void process.stderr.write(`${errorLines(error)}\n`);
  const open = await cluster.portForward(target, remote, { localPort: local, onError });
  process.stdout.write(`Forwarding from ${open.host}:${open.port} -> ${remote}\n`);
}

function parsePorts(text: string): PortPair {
  const match = /^(?:(\d*):)?(\d+)$/.exec(text);
  const remote = Number(match?.[2]);
  const local = match?.[1] === undefined ? remote : Number(match[1] || 0);
  if (match === null || remote < 1 || remote > 65_535 || local > 65_535) {
    throw new TunnelError('USAGE', `"${text}" is not a port pair: use LOCAL:REMOTE, :REMOTE or PORT`);
  }
  return { local, remote };
}
