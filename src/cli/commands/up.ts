import { rmSync } from 'node:fs';
import { Command } from 'commander';
import { packageVersion } from '../../control/package-version.js';
import type { LabEvent } from '../../core/events.js';
import type { StrategyName } from '../../core/strategy.js';
import { type RuntimeKind, runtimeKinds } from '../../lab/create-runtime.js';
import type { Lab } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { maxReplicas } from '../../lab/replicas.js';
import { maxServers } from '../../lab/servers.js';
import { maxNodes } from '../../lab/topology.js';
import { eventText } from '../../observe/event-text.js';
import { defaultStrategies } from '../../server/options.js';
import { exitCodes } from '../exit-codes.js';
import { addFaultOptions, type FaultFlag, type FaultFlags, faultsOf } from '../faults.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { defaultLabFolder, LabFiles } from '../lab-files.js';
import { createEventPrinter, createTerminal, type Terminal } from '../terminal.js';
import {
  addUpControlOptions,
  endOf,
  startUpControl,
  type UpControlFlags,
  writePortsFile,
} from '../up-control.js';
import {
  asOption,
  type BehaviourFlags,
  faithfulOption,
  option,
  portNumber,
  someText,
  strategyList,
  wholeNumber,
} from '../values.js';
import { withLab } from '../with-lab.js';

interface UpFlags extends BehaviourFlags, FaultFlags, UpControlFlags {
  readonly dir: string;
  readonly nodes: number;
  readonly apiservers?: number;
  readonly servers: number;
  readonly apiPort: number;
  readonly agentPort: number;
  readonly seed?: number;
  readonly proxyStrategies: readonly StrategyName[];
  readonly runtime: RuntimeKind;
  readonly events?: boolean;
  readonly record?: string;
  readonly output: 'text' | 'json';
}

const upExamples = examples(
  'konnsim up',
  'konnsim up --nodes 5 --events',
  'konnsim up --apiservers 3 --servers 3',
  'konnsim up --events --fault idle-60s-drop',
  'konnsim up --dir /tmp/lab --output json',
  'konnsim up --record lab.ndjson       # then: konnsim explain lab.ndjson',
);

/** `konnsim up`: the whole lab in one process, until interrupted. */
export function upCommand(invocation: Invocation): Command {
  const command = new Command('up')
    .description('start a lab: API façade, proxy-server, nodes with agent and kubelet; Ctrl-C ends it')
    .addOption(
      option('--dir <folder>', 'where kubeconfig and addresses are written')
        .argParser(someText)
        .default(defaultLabFolder),
    )
    .addOption(option('--nodes <number>', 'number of nodes').argParser(wholeNumber(1, maxNodes)).default(2))
    .addOption(
      option(
        '--apiservers <number>',
        'replicas of the API façade behind one address; default: one façade without them',
      ).argParser(wholeNumber(1, maxReplicas)),
    )
    .addOption(
      option('--servers <number>', 'number of proxy-servers; the replicas of the API façade use them in turn')
        .argParser(wholeNumber(1, maxServers))
        .default(1),
    )
    .addOption(
      option('--api-port <port>', 'port of the API façade, 0 for a free one')
        .argParser(portNumber)
        .default(0),
    )
    .addOption(
      option('--agent-port <port>', 'port for agents, 0 for a free one').argParser(portNumber).default(0),
    )
    .addOption(
      option('--seed <number>', 'repeats the random choices of a run').argParser(wholeNumber(0, 2 ** 32 - 1)),
    )
    .addOption(
      option('--proxy-strategies <list>', 'default, destHost, defaultRoute, tried in order')
        .argParser(strategyList)
        .default(defaultStrategies, defaultStrategies.join(',')),
    )
    .addOption(
      option('--runtime <kind>', 'sandbox: in memory; process: real processes of this host, with your rights')
        .choices(runtimeKinds)
        .default('sandbox'),
    )
    .addOption(option('--events', 'print events, one per line'))
    .addOption(
      option('--record <file>', 'write all events to a file, for `konnsim explain`').argParser(someText),
    )
    .addOption(
      option('--output <format>', 'format of the addresses').choices(['text', 'json']).default('text'),
    )
    .addOption(asOption())
    .addOption(faithfulOption(['server', 'agent', 'apiserver']));
  return addUpControlOptions(addFaultOptions(command))
    .addHelpText('after', upExamples)
    .action(async (flags: UpFlags) => {
      invocation.exitCode = await run(flags, createTerminal(invocation.colour));
    });
}

function run(flags: UpFlags, terminal: Terminal): Promise<number> {
  const files = new LabFiles(flags.dir);
  const startedAt = performance.now();
  let faults: readonly FaultFlag[] = [];
  return withLab({
    prepare: async () => {
      faults = await faultsOf(flags);
      await files.claim();
    },
    lab: labOptions(flags),
    cleanUp: () => {
      files.remove();
      if (flags.portsFile !== undefined) rmSync(flags.portsFile, { force: true });
    },
    use: async (lab, interruption) => {
      for (const fault of faults) lab.fault(fault);
      const { control, token } = await startUpControl(lab, flags);
      const parent = endOf(flags.parentPid);
      try {
        await files.write(lab, { version: packageVersion(), control: control.url, token });
        const readyMs = Math.round(performance.now() - startedAt);
        const addresses = await files.read();
        if (flags.portsFile !== undefined) writePortsFile(flags.portsFile, addresses);
        if (flags.output === 'json') terminal.data(JSON.stringify(addresses));
        else introduce(lab, files, { terminal, readyMs, control: control.url });
        const orphaned = parent.ended.then(() => exitCodes.ok);
        const code = await Promise.race([interruption.wanted, orphaned]);
        terminal.say('stopping');
        return code;
      } finally {
        parent.dispose();
        await control.close();
      }
    },
  });
}

function labOptions(flags: UpFlags): LabOptions {
  const { nodes, servers, apiPort, agentPort, seed, runtime, events, proxyStrategies: strategies } = flags;
  const print = createEventPrinter();
  return {
    nodes,
    servers,
    apiPort,
    agentPort,
    strategies,
    as: flags.as,
    faithful: flags.faithful,
    runtime,
    ...(seed === undefined ? {} : { seed }),
    ...(flags.apiservers === undefined ? {} : { apiservers: flags.apiservers }),
    ...(flags.record === undefined ? {} : { record: flags.record }),
    ...(events ? { onEvent: (event: LabEvent) => print(eventText(event)) } : {}),
  };
}

interface Introduction {
  readonly terminal: Terminal;
  readonly readyMs: number;
  readonly control: string;
}

function introduce(lab: Lab, files: LabFiles, { terminal, readyMs, control }: Introduction): void {
  const bold = (text: string): string => terminal.style('bold', text);
  const dim = (text: string): string => terminal.style('dim', text);
  const rows = [
    `${bold('ready')} in ${readyMs} ms  ${dim(`seed ${lab.seed}`)}`,
    '',
    `  page and API   ${control}`,
    `  API façade     ${lab.apiServerUrl}`,
    ...lab.frontendAddresses.map((address) => `  proxy-server   frontends ${address}`),
    `                 agents    ${lab.agentAddress}`,
    ...lab.nodes.map(
      ({ name, ip, kubeletPort }) =>
        `  ${name.padEnd(14)} ${ip}:${kubeletPort}  ${dim('reached only through its agent')}`,
    ),
    '',
    bold('With kubectl, in another terminal'),
    `  export KUBECONFIG=${files.kubeconfigPath}`,
    '  kubectl get pods -o wide',
    '  kubectl logs -f counter',
    '  kubectl exec -it shell -- sh',
    '  kubectl port-forward svc/web 8080:80   # then: curl 127.0.0.1:8080',
    '',
    bold('Without kubectl'),
    '  npx konnsim exec web-1 -- hostname',
    '  npx konnsim logs -f counter',
    '  npx konnsim port-forward web-1 8080',
    '  npx konnsim fault add idle-60s-drop    # and: status, events, explain, reset',
    '',
    dim(`addresses: ${files.addressesPath}`),
    dim('Ctrl-C stops the lab and removes these files.'),
  ];
  for (const row of rows) terminal.data(row);
}
