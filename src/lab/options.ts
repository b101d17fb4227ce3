import type { Behaviour } from '../containers/behaviours.js';
import type { LabEvent } from '../core/events.js';
import type { BehaviourMode, FaithfulName } from '../core/faithful.js';
import type { StrategyName } from '../core/strategy.js';
import type { LabKubeletConfig } from '../kubelet-stub/config.js';
import type { Balance } from '../links/balance.js';
import type { RuntimeKind } from './create-runtime.js';

/** HTTP/2 pings on the connections between agents and servers, ms of lab time. */
export interface LabKeepalive {
  /** After how long without a byte an agent pings. A server takes no ping more often than every 30 s. Default 31 s. */
  readonly agentsMs?: number;
  /** After how long without a byte a server pings. Default 30 s. */
  readonly serversMs?: number;
}

/** Options of `startLab`. All may be left out. */
export interface LabOptions {
  /** Number of nodes, each with an agent and a kubelet: 1 to 1000. Default 2. */
  readonly nodes?: number;
  /** Repeats every random choice of an earlier lab. Default: a new seed, which `lab.seed` returns. */
  readonly seed?: number;
  /** How fast lab time runs: 10 makes a minute of lab time last 6 s. Default 1. */
  readonly timeScale?: number;
  /**
   * How the proxy-server chooses an agent, tried in order. Default `destHost`, then `default`: when the agent of a node
   * is gone, the agent of another node takes the dial. With `destHost` alone a node without its agent is unreachable.
   */
  readonly strategies?: readonly StrategyName[];
  /**
   * `real`: texts, exit codes and times are those of the newest Konnectivity and kube-apiserver, so that a cut `exec` ends
   * with 0. `ideal`: every failure is told, and soon (`docs/faithful.md`). Default `real`.
   */
  readonly as?: BehaviourMode;
  /** More faults of the originals that the lab shall have (`docs/faithful.md`). Default: none. */
  readonly faithful?: readonly FaithfulName[];
  /**
   * Scripted answers of containers. The first that matches is used; without a match the sandbox's shell answers.
   * Default: the shell alone.
   */
  readonly behaviours?: readonly Behaviour[];
  /** Settings of the kubelets (`docs/behaviours.md`). Default: those of a real kubelet. */
  readonly kubelet?: LabKubeletConfig;
  /** `sandbox` (the default) is in memory; `process` starts real processes, with your rights, without isolation. */
  readonly runtime?: RuntimeKind;
  /**
   * Replicas of the API façade behind one address, 1 to 9: `lab.apiserver(n)` and `lab.apiservers`. Default: one façade
   * with its own address.
   */
  readonly apiservers?: number;
  /**
   * Number of proxy-servers, 1 to 9. API replica n uses server ((n - 1) mod servers) + 1. Agents reach all of them
   * through one address. Default 1.
   */
  readonly servers?: number;
  /** How the agents' address chooses the server of a new connection, when there are several. Default `spread`. */
  readonly balance?: Balance;
  /** The number of servers that the servers announce. Agents connect to that many. Default: `servers`. */
  readonly serverCount?: number;
  /**
   * After how long without a byte agents ping their servers, and servers their agents, ms of lab time. Konnectivity's
   * default is an hour for both. Default 31 s for agents and 30 s for servers.
   */
  readonly keepalive?: LabKeepalive;
  /**
   * Agents show the token of a service account, and servers let the API check it, as with Konnectivity's
   * `--authentication-audience`. Their certificates are checked, too. Default false.
   */
  readonly agentTokens?: boolean;
  /** Starts a controller that watches pods, as `lab.watch('pods')` does. Default false. */
  readonly controller?: boolean;
  /** The port of the API façade, or of its replicas' address, on 127.0.0.1. Default 0: a free port. */
  readonly apiPort?: number;
  /** The port for agents of the proxy-server, or of its replicas' address, on 127.0.0.1. Default 0: a free port. */
  readonly agentPort?: number;
  /** The Kubernetes release that the façade reports. Default 1.33.1. */
  readonly kubernetesVersion?: string;
  /** How many events the journal holds; it drops the oldest first. Default 20 000. */
  readonly journalCapacity?: number;
  /**
   * A file to which every event is written, from the first, one a line. `readRecording` and `konnsim explain` read it.
   * Default: no file.
   */
  readonly record?: string;
  /** Called with every event, from the first. Must not throw. Default: no call. */
  readonly onEvent?: (event: LabEvent) => void;
  /** How long to wait for all agents, ms of real time. Default 10 000, and 50 for each node beyond 200. */
  readonly readyTimeoutMs?: number;
}
