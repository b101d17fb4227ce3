import type { Behaviour } from '../containers/behaviours.js';
import type { LabEvent } from '../core/events.js';
import type { FaithfulName } from '../core/faithful.js';
import type { StrategyName } from '../core/strategy.js';
import type { KubeletConfig } from '../kubelet-stub/config.js';
import type { RuntimeKind } from './create-runtime.js';

/** Settings of the kubelets of a lab, named as in KubeletConfiguration where it has them. */
export type LabKubeletConfig = Omit<KubeletConfig, 'access'>;

export interface LabOptions {
  /** Nodes, each with an agent and a kubelet; 1 to 200. Default 2. */
  readonly nodes?: number;
  /** Repeats every random choice of a run. Default: a fresh one, to be read from `lab.seed`. */
  readonly seed?: number;
  /** A minute of lab time passes in 60 / timeScale seconds. Default 1. */
  readonly timeScale?: number;
  /**
   * How the proxy-server chooses an agent, tried in order. Default `destHost`, then `default`: another node's agent
   * stands in for one that is gone. With `destHost` alone a node without its agent cannot be reached.
   */
  readonly strategies?: readonly StrategyName[];
  /** Behaviours of Konnectivity and kube-apiserver that are wanted back (`docs/faithful.md`). Default none. */
  readonly faithful?: readonly FaithfulName[];
  /** Scripted answers of containers; the first that matches wins, the rest is the sandbox's shell. */
  readonly behaviours?: readonly Behaviour[];
  /** What of a kubelet's configuration is to be other than usual (`docs/behaviours.md`). */
  readonly kubelet?: LabKubeletConfig;
  /**
   * What containers run in. `sandbox` (the default) is in memory; `process` starts real processes of this host, with
   * your rights and without any confinement.
   */
  readonly runtime?: RuntimeKind;
  /**
   * Replicas of the API façade behind one address, 1 to 9: `lab.apiserver(n)` and `lab.apiservers`. Default: one façade
   * without anything before it.
   */
  readonly apiservers?: number;
  /**
   * Proxy-servers, 1 to 9, each beside an API server: replica n has server ((n - 1) mod servers) + 1. Agents find all of
   * them behind one address. Default 1.
   */
  readonly servers?: number;
  /** How many servers the servers say there are: agents are content with as many. Default: `servers`. */
  readonly serverCount?: number;
  /** A controller that watches pods, whose losses are in the journal: `lab.watch('pods')`. Default false. */
  readonly controller?: boolean;
  /** Where the API façade, or the address of its replicas, listens on 127.0.0.1. Default 0, a free port. */
  readonly apiPort?: number;
  /** Where the proxy-server, or the address of several, listens for agents on 127.0.0.1. Default 0, a free port. */
  readonly agentPort?: number;
  /** Kubernetes release that the façade claims to be. Default 1.33.1. */
  readonly kubernetesVersion?: string;
  /** Events that the journal holds; the oldest go first. Default 20 000. */
  readonly journalCapacity?: number;
  /** Called with every event, from the first on. Must not throw. */
  readonly onEvent?: (event: LabEvent) => void;
  /** Milliseconds of real time to wait for all agents. Default 10 000. */
  readonly readyTimeoutMs?: number;
}
