import { Agent } from '../../agent/agent.js';
import { type AgentOptions, agentDefaults } from '../../agent/options.js';
import type { NodeRuntime } from '../../containers/runtime.js';
import type { Turns } from '../../core/turns.js';
import type { Node, Pod } from '../../kube/pod-objects.js';
import type { AccessOptions } from '../../kubelet-stub/auth/access-control.js';
import { startKubelet } from '../../kubelet-stub/kubelet.js';
import {
  type PodSource,
  type PodSourceOptions,
  startPodSource,
} from '../../kubelet-stub/pod-source/pod-source.js';
import { sourceInTurn } from '../../kubelet-stub/pod-source/source-in-turn.js';
import { createRuntime, type RuntimeKind } from '../../lab/create-runtime.js';
import { joinPodNetwork } from '../../lab/pod-network.js';
import type { NodeSpec } from '../../lab/topology.js';
import type { NodeNetwork } from '../../links/node-network.js';
import type { RoleContext, Started } from '../role.js';
import type { NodeApi } from './node-api.js';
import type { NodeTls } from './node-tls.js';

/** A node, its object for the API, and the pods that it runs from the start. */
export interface NodeSeed {
  readonly spec: NodeSpec;
  readonly object: Node;
  readonly pods: readonly Pod[];
}

/** What all nodes of a process share. */
export interface NodeCommons {
  readonly context: RoleContext;
  readonly tls: NodeTls;
  /** The addresses of all nodes and pods: any agent reaches any of them. */
  readonly network: NodeNetwork;
  readonly runtime: RuntimeKind;
  readonly access: (node: string) => AccessOptions;
  readonly api: NodeApi | undefined;
  /** For registering at the API. */
  readonly joining: Turns;
  /** The settings of all agents. */
  readonly agents: Pick<
    AgentOptions,
    'server' | 'turns' | 'keepaliveTimeMs' | 'syncForever' | 'metadata' | 'as' | 'faithful'
  >;
}

export interface HollowNode {
  readonly agent: Agent;
  /** The API has heard of it. */
  readonly isRegistered: boolean;
}

/** Starts a node: its containers, its kubelet on a free port of the loopback, its agent. Then it joins the API, if any. */
export async function startHollowNode(
  { spec, object, pods }: NodeSeed,
  commons: NodeCommons,
  started: Started,
): Promise<HollowNode> {
  const { context, network, tls } = commons;
  const { name: nodeName, ip } = spec;
  const runtime = await createRuntime(commons.runtime, { ...context, nodeName, pods });
  started(() => runtime.close());
  const kubelet = await startKubelet({
    ...context,
    nodeName,
    tls: await tls.kubelet(nodeName),
    // Most of many kubelets are never dialled.
    lazyTls: true,
    runtime,
    config: { access: commons.access(nodeName) },
  });
  started(() => kubelet.close());
  network.addName(nodeName, ip);
  network.register(ip, spec.kubeletPort, kubelet.address);
  const podNetwork = joinPodNetwork(network, runtime);
  started(async () => podNetwork.close());
  const agent = new Agent({
    ...agentDefaults,
    ...context,
    ...commons.agents,
    name: nodeName,
    agentId: nodeName,
    identifiers: `ipv4=${ip}&host=${nodeName}`,
    tls: tls.agent,
    connectEndpoint: (host, port, options) => network.connect(host, port, options),
  });
  started(() => agent.stop());
  await agent.start();
  const node = { agent, isRegistered: false };
  const source = joinApi(object, runtime, commons);
  started(async () => source?.close());
  void source?.ready.then(() => {
    node.isRegistered = true;
  });
  return node;
}

function joinApi(
  node: Node,
  runtime: NodeRuntime,
  { context, api, joining }: NodeCommons,
): PodSource | undefined {
  if (api === undefined) return undefined;
  const own = { ...context, ...api, runtime, node, now: () => Date.now() };
  return sourceInTurn<PodSourceOptions>(
    (turn) => void joining.during(() => turn(own)),
    (options) => startPodSource(options),
  );
}
