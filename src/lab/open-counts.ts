import type { LabInsides } from './lab-insides.js';
import type { RestartablePart } from './part.js';

/** What is open at one moment, for leak checks. All counts are 0 in a lab without requests. */
export interface OpenCounts {
  /** Frontend streams at the proxy-servers. */
  readonly frontends: number;
  /** Dials that proxy-servers have passed on and that are not answered yet. */
  readonly pendingDials: number;
  /** Connections through the proxy-servers. */
  readonly established: number;
  /** Sockets that agents have open to endpoints. */
  readonly endpoints: number;
  /** Requests that kubelets are serving. */
  readonly kubeletRequests: number;
  /** Dials and connections of the lab's tunnel client and of the API façade. */
  readonly tunnelConnections: number;
}

/** Counts what is open now in all parts that run. */
export function countOpen({ parts, clients }: LabInsides): OpenCounts {
  return {
    ...parts.servers.open(),
    endpoints: sum(running(parts.agents).map((agent) => agent.snapshot().endpoints)),
    kubeletRequests: sum(running(parts.kubelets).map(({ kubelet }) => kubelet.openRequests)),
    tunnelConnections: clients.lab.openConnections + parts.apiservers.tunnelConnections,
  };
}

/** The instances of the parts that run. */
export function running<T>(parts: readonly RestartablePart<T>[]): readonly T[] {
  return parts.filter((part) => part.running).map((part) => part.value);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
