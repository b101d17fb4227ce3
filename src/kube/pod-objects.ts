/** The metadata of an object. The types in this file have the part of the Kubernetes API that the lab uses. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly creationTimestamp: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

/** A port of a container. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: 'TCP' | 'UDP';
}

/** Where the value of a variable comes from. */
export interface EnvSource {
  readonly fieldRef?: { readonly fieldPath: string };
  readonly resourceFieldRef?: {
    readonly resource: string;
    readonly containerName?: string;
    readonly divisor?: string;
  };
  readonly configMapKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
  readonly secretKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
}

/** A variable of a container. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: EnvSource;
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly {
    readonly prefix?: string;
    readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
    readonly secretRef?: { readonly name: string; readonly optional?: boolean };
  }[];
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string>>;
    readonly requests?: Readonly<Record<string, string>>;
  };
  readonly ports?: readonly ContainerPort[];
  readonly stdin?: boolean;
  /** Only the first attach with standard input gets it. */
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: string;
  /** `Always` makes an init container a sidecar. */
  readonly restartPolicy?: string;
}

/** The state of a container. */
export type ContainerState =
  | { readonly running: { readonly startedAt: string } }
  | {
      readonly terminated: {
        readonly exitCode: number;
        readonly reason: string;
        readonly message?: string;
        readonly startedAt: string;
        readonly finishedAt: string;
        readonly containerID?: string;
      };
    }
  | { readonly waiting: { readonly reason: string; readonly message?: string } };

/** The status of a container. */
export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: ContainerState | Record<string, never>;
}

/** A pod. */
export interface Pod {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly nodeName: string;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly ephemeralContainers?: readonly Container[];
    readonly restartPolicy?: string;
    /** The pod uses its node's address. */
    readonly hostNetwork?: boolean;
    readonly hostname?: string;
    readonly terminationGracePeriodSeconds?: number;
    readonly serviceAccountName?: string;
    /** Whether containers get variables for the services of their namespace. Default: true. */
    readonly enableServiceLinks?: boolean;
  };
  readonly status: {
    readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    readonly hostIP: string;
    readonly podIP: string;
    readonly podIPs: readonly { readonly ip: string }[];
    readonly startTime: string;
    readonly conditions: readonly {
      readonly type: string;
      readonly status: 'True' | 'False';
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime: string;
    }[];
    readonly containerStatuses: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

/** Keeps pods off a node that do not tolerate it. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A node. */
export interface Node {
  readonly apiVersion: 'v1';
  readonly kind: 'Node';
  readonly metadata: ObjectMeta;
  readonly spec: { readonly podCIDR?: string; readonly taints?: readonly Taint[] };
  readonly status: {
    readonly addresses: readonly {
      readonly type: 'InternalIP' | 'Hostname' | 'InternalDNS' | 'ExternalIP' | 'ExternalDNS';
      readonly address: string;
    }[];
    readonly daemonEndpoints: { readonly kubeletEndpoint: { readonly Port: number } };
    readonly conditions: readonly {
      readonly type: string;
      readonly status: 'True' | 'False';
      readonly reason: string;
      readonly message: string;
      readonly lastTransitionTime: string;
      readonly lastHeartbeatTime: string;
    }[];
    readonly nodeInfo: Readonly<Record<string, string>>;
    readonly capacity: Readonly<Record<string, string>>;
    readonly allocatable: Readonly<Record<string, string>>;
  };
}

/** A Service. */
export interface Service {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly clusterIP: string;
    readonly clusterIPs: readonly string[];
    readonly type: 'ClusterIP';
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports: readonly {
      readonly name?: string;
      readonly protocol: 'TCP' | 'UDP' | 'SCTP';
      readonly port: number;
      readonly targetPort: number | string;
    }[];
  };
}
