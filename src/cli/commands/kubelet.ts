import { Command } from 'commander';
import { defaultVersion } from '../../apiserver/version.js';
import { joinHostPort } from '../../core/address.js';
import { startKubelet } from '../../kubelet-stub/kubelet.js';
import { createSandboxRuntime } from '../../kubelet-stub/runtime/sandbox-runtime.js';
import { maxNodes } from '../../lab/topology.js';
import { kubeletLeaf } from '../../pki/certificate-set.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { findNode, type RoleFlags, readTls, runRole, standardTopology } from '../role.js';
import { option, portNumber, wholeNumber } from '../values.js';

interface KubeletFlags extends RoleFlags {
  readonly node: string;
  readonly nodes: number;
  readonly bindAddress: string;
  readonly port: number;
}

/** `konnsim kubelet`: the kubelet of one node alone, with that node's containers. */
export function kubeletCommand(invocation: Invocation): Command {
  return new Command('kubelet')
    .description('run the kubelet stub of one node alone, with its containers in the sandbox runtime')
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(option('--node <name>', 'which node it is').default('node-1'))
    .addOption(
      option('--nodes <number>', 'nodes of the cluster').argParser(wholeNumber(1, maxNodes)).default(2),
    )
    .addOption(option('--bind-address <address>', 'where it listens').default('127.0.0.1'))
    .addOption(option('--port <port>', 'its port, 0 for a free one').argParser(portNumber).default(10_250))
    .addHelpText('after', examples('konnsim kubelet --certs certs --node node-1 --port 10250'))
    .action(async (flags: KubeletFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: KubeletFlags): Promise<number> {
  return runRole(flags, async (ground, started) => {
    const topology = standardTopology(flags.nodes, defaultVersion);
    const { name: nodeName } = findNode(topology, flags.node);
    const { ca, cert, key } = await readTls(flags.certs, kubeletLeaf(nodeName));
    const pods = topology.objects.pods.filter((pod) => pod.spec.nodeName === nodeName);
    const runtime = createSandboxRuntime({ ...ground, nodeName, pods });
    started(() => runtime.close());
    const kubelet = await startKubelet({
      ...ground,
      nodeName,
      host: flags.bindAddress,
      port: flags.port,
      tls: { cert, key, clientCa: ca },
      runtime,
    });
    started(() => kubelet.close());
    return [`kubelet ${joinHostPort(kubelet.address.host, kubelet.address.port)}`];
  });
}
