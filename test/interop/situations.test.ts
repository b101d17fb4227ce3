import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, defineSituations, isRecorded, type Signal, type Stage } from '../kubectl/situation-run.js';
import { scratchFolder } from '../support/konnsim.js';
import { createKubectl, describeEachKubectl, type Kubectl, type KubectlBinary } from '../support/kubectl.js';
import { eventually, runMs } from '../support/waits.js';
import { CellBench } from './bench.js';
import { type ApiBuild, apiBuilds, Kubernetes, kubernetesVariable, nodeIp } from './kubernetes.js';
import type { Process } from './process.js';
import { type Cell, cellsOf, realBuilds, variable } from './programs.js';

// Agents of other makers know no way to a node but its address.
const isHere = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === nodeIp),
);
const pairs = cellsOf(realBuilds(process.env[variable])).filter(
  ({ server, agent, mode, transport }) => server === agent && mode === 'grpc' && transport === 'uds',
);
const apis = apiBuilds(process.env[kubernetesVariable]);

if (!isHere) {
  process.stderr.write(
    `SKIPPED: what kubectl shows with programs of others: ${nodeIp} is not of this machine\n`,
  );
  describe.skip('what kubectl shows with programs of others', () => it('needs an address', () => undefined));
} else {
  for (const api of apis) for (const pair of pairs) defineCell(api, pair);
}

function defineCell(api: ApiBuild, pair: Cell): void {
  const title = `what kubectl shows: ${api.name}, ${pair.server.name}`;
  describeEachKubectl(title, (binary) => defineSuite(api, pair, binary), isRecorded);
}

function defineSuite(api: ApiBuild, pair: Cell, binary: KubectlBinary): void {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  let bench: CellBench;
  let kubernetes: Kubernetes;
  let kubectl: Kubectl;

  beforeAll(async () => {
    folder = await scratchFolder();
    await Kubernetes.writeFiles(folder.path);
    bench = await CellBench.open(pair, folder.path);
    kubernetes = new Kubernetes(folder.path, api, bench.socket);
    kubectl = await createKubectl(binary, await Kubernetes.kubeconfig(folder.path));
    bench.startServer();
    bench.startAgent();
    await kubernetes.start();
    await bench.ready();
    await works(['get', '--raw', '/readyz']);
    if (api.real !== undefined) await apply(kubectl, objectsOfOthers);
    await works(reachesShell);
  });
  afterAll(async () => {
    await kubectl.close();
    await Promise.all([kubernetes.close(), bench.close()]);
    await folder.remove();
  });

  const stage: Stage = { kubectl: () => kubectl, timeScale: 1, signal, revive };
  defineSituations(binary, ['SIGKILL', 'SIGSTOP', 'SIGTERM'], () => stage);

  const sent = new Map<string, Signal>();
  async function signal(part: string, which: Signal): Promise<void> {
    sent.set(part, which);
    programOf(part)?.signal(which);
    if (which === 'SIGKILL') await programOf(part)?.exit();
    if (which === 'SIGKILL' && part === 'agent/node-1') await bench.agentMissed();
  }

  function programOf(part: string): Process | undefined {
    if (part === 'kubelet/node-1') return kubernetes.kubelet;
    return part === 'server/server-1' ? bench.server : bench.agent;
  }

  const starts: Readonly<Record<string, () => void>> = {
    'kubelet/node-1': () => kubernetes.startKubelet(),
    'server/server-1': () => bench.startServer(),
    'agent/node-1': () => bench.startAgent(),
  };

  async function revive(): Promise<void> {
    if (sent.size === 0) return;
    for (const [part, which] of sent) {
      if (which === 'SIGSTOP') programOf(part)?.signal('SIGCONT');
      else {
        await programOf(part)?.exit();
        starts[part]?.();
      }
    }
    sent.clear();
    await bench.ready();
    await works(reachesShell);
    // Not by logs: a kube-apiserver keeps their connection to the kubelet, and the next log would not dial.
    await works(['exec', 'ticks', '--', 'true']);
  }

  async function works(args: readonly string[]): Promise<void> {
    const asked = async (): Promise<void> => {
      const { code, stderr } = await kubectl.run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    };
    await eventually(asked, { withinMs: runMs, intervalMs: 250 });
  }
}

const reachesShell = ['exec', 'shell', '--', 'true'];

/** What ours has from the start, or makes by itself: there are no controllers beside a lone kube-apiserver. */
const objectsOfOthers = [
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shell', namespace: 'default' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'shell', image: 'konnsim/shell' }] },
  },
  { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'empty', namespace: 'default' } },
  {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints: [] },
    metadata: {
      name: 'empty',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'empty' },
    },
  },
];
