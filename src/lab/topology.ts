import { TunnelError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { Container, Node, ObjectMeta, Pod, Service } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';

/** A node of the lab. Its address can be reached only through its agent. */
export interface NodeSpec {
  /** `node-1`, `node-2` … */
  readonly name: string;
  /** InternalIP, such as `10.0.1.11`. */
  readonly ip: string;
  /** The port of its kubelet. */
  readonly kubeletPort: number;
}

/** A Deployment, with the fields that `deploy/NAME` targets need. */
export interface DeploymentObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'Deployment';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly Container[] };
    };
  };
  readonly status: Readonly<Record<string, number>>;
}

/** The nodes of a lab, and the Kubernetes objects that it starts with. */
export interface Topology {
  /** The nodes, in order. */
  readonly nodes: readonly NodeSpec[];
  /** The objects that the API façade serves at the start, by kind. */
  readonly objects: {
    readonly nodes: readonly Node[];
    readonly pods: readonly Pod[];
    readonly services: readonly Service[];
    readonly deployments: readonly DeploymentObject[];
  };
}

export interface TopologyOptions {
  /** The number of nodes, from 1 to `most`. */
  readonly nodes: number;
  /** The highest number of nodes. Default 1000; addresses are enough for 5000. */
  readonly most?: number;
  /** Nodes are called PREFIX-1, PREFIX-2 … Default `node`. */
  readonly namePrefix?: string;
  readonly random: Random;
  /** The creation time of all objects, epoch milliseconds. */
  readonly nowMs: number;
  readonly kubernetesVersion: string;
}

/** The highest number of nodes of a lab. */
export const maxNodes = 1000;
/** The highest number of nodes with kubelets and agents only. */
export const maxHollowNodes = 5000;
const kubeletPort = 10_250;

/**
 * The lab's standard cluster. Each node has a web server of Deployment `web`, behind Service `web`. Over the nodes
 * there are also a shell, an echo server, a counter that logs every second, and a pod with two containers.
 */
export function createTopology(options: TopologyOptions): Topology {
  const { nodes: count, most = maxNodes, namePrefix = 'node' } = options;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new TunnelError('CONFIG_INVALID', `nodes must be a whole number from 1 to ${most}, not ${count}`);
  }
  const nodes = Array.from({ length: count }, (_, index) => ({
    name: `${namePrefix}-${index + 1}`,
    ip: nodeIp(index),
    kubeletPort,
  }));
  const maker = new ObjectMaker(options);
  const placed = placePods(nodes);
  return {
    nodes,
    objects: {
      nodes: nodes.map((node, index) => maker.node(node, index)),
      pods: placed.map((pod, index) => maker.pod(pod, index)),
      services: [maker.service('web', 80, 'http', 10), maker.service('echo', 7, 'echo', 11)],
      deployments: [maker.deployment('web', count, [web])],
    },
  };
}

/** `10.0.1.11`, `10.0.1.12` … `10.0.1.254`, `10.0.2.1` … */
function nodeIp(index: number): string {
  const number = index + 10;
  return `10.0.${1 + Math.floor(number / 254)}.${1 + (number % 254)}`;
}

/** The last node whose pods have addresses from `10.244.0.0` on. Those of later ones are from `10.112.0.0` on. */
const lastBefore = 12 * 256 - 1;

/** The first three bytes of the addresses of a node's pods: `10.244.1` for node 1, `10.245.0` for node 256. */
function podPrefix(number: number): string {
  return `10.${(number > lastBefore ? 100 : 244) + Math.floor(number / 256)}.${number % 256}`;
}

const web: Container = {
  name: 'web',
  image: 'konnsim/web',
  ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
};

interface PlacedPod {
  readonly name: string;
  readonly app: string;
  readonly node: NodeSpec;
  /** The number of its node. */
  readonly number: number;
  readonly containers: readonly Container[];
}

function placePods(nodes: readonly NodeSpec[]): readonly PlacedPod[] {
  const at = (index: number): Pick<PlacedPod, 'node' | 'number'> => {
    const place = index % nodes.length;
    return { node: nodes[place] ?? unreachableNode(), number: place + 1 };
  };
  const webs = nodes.map((_node, index) => ({
    name: `web-${index + 1}`,
    app: 'web',
    ...at(index),
    containers: [web],
  }));
  const shell = { name: 'shell', image: 'konnsim/shell', stdin: true, tty: true };
  const echoPorts = [{ name: 'echo', containerPort: 7, protocol: 'TCP' as const }];
  const echo = { name: 'echo', image: 'konnsim/echo', ports: echoPorts };
  const counter = { name: 'counter', image: 'konnsim/counter' };
  return [
    ...webs,
    { name: 'shell', app: 'shell', ...at(0), containers: [shell] },
    { name: 'echo', app: 'echo', ...at(0), containers: [echo] },
    { name: 'counter', app: 'counter', ...at(1), containers: [counter] },
    {
      name: 'pair',
      app: 'pair',
      ...at(1),
      containers: [
        { ...counter, name: 'main' },
        { ...shell, name: 'sidecar' },
      ],
    },
  ];
}

function unreachableNode(): never {
  throw new TunnelError('INTERNAL', 'a topology without nodes');
}

/** Creates API objects whose IDs come from one seed. */
class ObjectMaker {
  private readonly options: TopologyOptions;
  private readonly time: string;

  constructor(options: TopologyOptions) {
    this.options = options;
    this.time = rfc3339(options.nowMs);
  }

  node({ name, ip, kubeletPort: port }: NodeSpec, index: number): Node {
    const resources = { cpu: '2', 'ephemeral-storage': '20Gi', memory: '4Gi', pods: '110' };
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { ...this.meta(name), labels: nodeLabels(name) },
      spec: { podCIDR: `${podPrefix(index + 1)}.0/24` },
      status: {
        addresses: [
          { type: 'InternalIP', address: ip },
          { type: 'Hostname', address: name },
        ],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
        conditions: [this.nodeReady()],
        nodeInfo: this.nodeInfo(),
        capacity: resources,
        allocatable: resources,
      },
    };
  }

  pod({ name, app, node, number, containers }: PlacedPod, index: number): Pod {
    // Pods number 240 and later are alone on their nodes, but for the few after the web servers.
    const last = 10 + Math.min(index, 240 + Math.max(0, index - this.options.nodes));
    const podIP = `${podPrefix(number)}.${last}`;
    const status = 'True' as const;
    const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...this.meta(name), namespace: 'default', labels: { app } },
      spec: { nodeName: node.name, containers, restartPolicy: 'Always' },
      status: {
        phase: 'Running',
        hostIP: node.ip,
        podIP,
        podIPs: [{ ip: podIP }],
        startTime: this.time,
        conditions: conditions.map((type) => ({ type, status, lastTransitionTime: this.time })),
        containerStatuses: containers.map((container) => this.running(container)),
      },
    };
  }

  service(name: string, port: number, targetPort: string, lastByte: number): Service {
    const clusterIP = `10.96.0.${lastByte}`;
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...this.meta(name), namespace: 'default', labels: { app: name } },
      spec: {
        clusterIP,
        clusterIPs: [clusterIP],
        type: 'ClusterIP',
        selector: { app: name },
        ports: [{ name: targetPort, protocol: 'TCP', port, targetPort }],
      },
    };
  }

  deployment(name: string, replicas: number, containers: readonly Container[]): DeploymentObject {
    const labels = { app: name };
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...this.meta(name), namespace: 'default', labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
      status: { replicas, readyReplicas: replicas, availableReplicas: replicas, updatedReplicas: replicas },
    };
  }

  private running({ name, image }: Container): Pod['status']['containerStatuses'][number] {
    return {
      name,
      image,
      imageID: `${image}@sha256:${this.hex(64)}`,
      containerID: `containerd://${this.hex(64)}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: this.time } },
      lastState: {},
    };
  }

  private nodeReady(): Node['status']['conditions'][number] {
    return {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'kubelet is posting ready status',
      lastTransitionTime: this.time,
      lastHeartbeatTime: this.time,
    };
  }

  private nodeInfo(): Record<string, string> {
    return {
      architecture: 'amd64',
      bootID: this.uid(),
      containerRuntimeVersion: 'konnsim://sandbox',
      kernelVersion: '6.1.0',
      kubeProxyVersion: '',
      kubeletVersion: `v${this.options.kubernetesVersion}`,
      machineID: this.hex(32),
      operatingSystem: 'linux',
      osImage: 'konnectivity-sim',
      systemUUID: this.uid(),
    };
  }

  private meta(name: string): ObjectMeta {
    return { name, uid: this.uid(), creationTimestamp: this.time };
  }

  private uid(): string {
    const hex = this.hex(32);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `a${hex.slice(17, 20)}`,
      hex.slice(20),
    ].join('-');
  }

  private hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.options.random.int63().toString(16).padStart(16, '0');
    return text.slice(0, digits);
  }
}

function nodeLabels(name: string): Record<string, string> {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' };
}
