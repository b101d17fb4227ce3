import type { Agent } from '../agent/agent.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import type { Journal } from '../observe/journal.js';
import type { Recorder } from '../observe/recorder.js';
import type { TunnelClient } from '../wire/client/tunnel-client.js';
import type { ClusterClient } from './cluster-client.js';
import type { KubeletApi } from './kubelet-api.js';
import type { RunningKubelet } from './kubelet-part.js';
import type { LabOptions } from './options.js';
import type { RestartablePart } from './part.js';
import type { LabContext } from './parts.js';
import type { Replicas } from './replicas.js';
import type { Servers } from './servers.js';
import type { Topology } from './topology.js';
import type { WorkFolder } from './work-folder.js';

/** The parts of a lab that can be killed and started again. */
export interface LabParts {
  readonly servers: Servers;
  readonly kubelets: readonly RestartablePart<RunningKubelet>[];
  readonly agents: readonly RestartablePart<Agent>[];
  readonly apiservers: Replicas;
}

/** What a Lab is made of. Only `startLab` makes one. */
export interface LabInsides {
  readonly seed: number;
  /** The wall time of the journal's time 0, epoch ms. */
  readonly startedAtMs: number;
  readonly options: LabOptions;
  readonly context: LabContext;
  readonly topology: Topology;
  readonly journal: Journal;
  /** Writes the journal to a file. */
  readonly recorder: Recorder | undefined;
  readonly folder: WorkFolder;
  /** The objects that the façade serves. They survive its restarts. */
  readonly store: LocalStore;
  readonly api: KubeletApi;
  readonly parts: LabParts;
  readonly clients: {
    readonly lab: TunnelClient;
    readonly cluster: ClusterClient;
  };
}

/** Stops all parts of a lab, also of one that did not start completely. */
export async function stopAll(insides: LabInsides): Promise<void> {
  const { api, parts, clients, journal, recorder, folder, context } = insides;
  // A part behind a fault could not end in order.
  context.links.faults.close();
  await clients.cluster.close();
  const kubelets = parts.kubelets.filter((part) => part.running);
  await context.agentTokens?.close();
  await Promise.all([api.close(), ...kubelets.map((part) => part.value.source.close())]);
  await parts.apiservers.stop();
  await clients.lab.close();
  await Promise.all(parts.agents.map((part) => part.close()));
  await parts.servers.stop();
  await Promise.all(parts.kubelets.map((part) => part.close()));
  context.links.close();
  await folder.remove();
  journal.emit({ kind: 'lab.stopped', node: 'lab/lab' });
  journal.close();
  recorder?.close();
}
