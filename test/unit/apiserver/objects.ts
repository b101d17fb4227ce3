import type { ContainerStatus, Node, Pod, Service } from '../../../src/kube/pod-objects.js';

/** The creation time of all objects in these tests. */
export const createdAt = '2024-05-01T10:00:00Z';

export interface PodWish {
  readonly name: string;
  readonly namespace?: string;
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers?: readonly string[];
  readonly phase?: Pod['status']['phase'];
  readonly status?: Partial<ContainerStatus>;
}

export function pod(wish: PodWish): Pod {
  const { name, namespace = 'default', node = 'node-1', labels = {}, containers = ['main'] } = wish;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, creationTimestamp: createdAt, labels },
    spec: { nodeName: node, containers: containers.map((each) => ({ name: each, image: `${each}:1` })) },
    status: {
      phase: wish.phase ?? 'Running',
      hostIP: '10.0.1.11',
      podIP: '10.1.0.3',
      podIPs: [{ ip: '10.1.0.3' }],
      startTime: createdAt,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: createdAt }],
      containerStatuses: containers.map((each) => ({ ...containerStatus(each), ...wish.status })),
    },
  };
}

function containerStatus(name: string): ContainerStatus {
  return {
    name,
    image: `${name}:1`,
    imageID: 'sha256:1',
    containerID: `containerd://${name}`,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: createdAt } },
    lastState: {},
  };
}

type Addresses = Node['status']['addresses'];

export function node(
  name: string,
  port = 10250,
  addresses: Addresses = [{ type: 'Hostname', address: name }],
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: createdAt },
    spec: { podCIDR: '10.1.0.0/24' },
    status: {
      addresses,
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
          lastTransitionTime: createdAt,
          lastHeartbeatTime: createdAt,
        },
      ],
      nodeInfo: { kubeletVersion: 'v1.33.1', osImage: 'Simulated Linux', kernelVersion: '6.1.0' },
      capacity: { cpu: '4', memory: '8Gi', pods: '110' },
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
    },
  };
}

export function service(name: string, selector: Readonly<Record<string, string>>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: createdAt },
    spec: {
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      type: 'ClusterIP',
      selector,
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
    },
  };
}
