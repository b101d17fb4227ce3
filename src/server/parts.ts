import { extensionsOf } from '../core/extensions.js';
import { type FaithfulSet, faithfulSet, hasFlowControl } from '../core/faithful.js';
import type { Congestible } from '../core/port.js';
import { ServerMachine } from '../core/server/machine.js';
import { noFaults } from '../links/fault-points.js';
import type { Readiness } from '../observe/health.js';
import { createServerMetrics, type ServerMetrics } from '../observe/server-metrics.js';
import type { ServerLevels } from '../observe/server-own-metrics.js';
import type { ServedCall } from '../wire/carrier/served-call.js';
import type { ConnectRequest } from '../wire/connect/connect-listener.js';
import { BackendCalls } from './backend-calls.js';
import { bothObservers } from './both-observers.js';
import { ConnectCalls } from './connect-calls.js';
import { createFrontendBounds } from './frontend-bounds.js';
import { FrontendCalls } from './frontend-calls.js';
import { createMetricsObserver, createReadyBackends } from './metrics-observer.js';
import { createEventObserver } from './observer.js';
import { defaultBackendDialTimeoutMs, type ProxyServerOptions } from './options.js';
import { StreamMeter } from './stream-meter.js';
import { TokenAuthenticator } from './token-review.js';

/** All parts of a proxy-server but its sockets. */
export interface ServerParts {
  /** `server/<name>`. */
  readonly node: string;
  readonly machine: ServerMachine;
  readonly metrics: ServerMetrics;
  readonly ready: () => Readiness;
  /** The agent that connects from this address. */
  readonly agentAt: (address: string) => { readonly peer?: string };
  readonly serveAgent: (call: ServedCall) => void;
  readonly serveFrontend: (call: ServedCall) => void;
  readonly serveConnect: (request: ConnectRequest) => void;
  /** Cuts every stream, without telling the peers. */
  readonly cut: () => void;
}

export function createParts(options: ProxyServerOptions): ServerParts {
  const { emit, serverId, serverCount, clock, random, faults = noFaults } = options;
  const faithful = faithfulSet(options);
  const node = `server/${options.name}`;
  const metrics: ServerMetrics = createServerMetrics(() => levels(machine, serverCount));
  const frontendBounds = createFrontendBounds(clock, faithful);
  const { together } = frontendBounds;
  const machine: ServerMachine = createMachine({ ...options, node, metrics, faithful, together });
  const showReady = createReadyBackends(metrics);
  const changed = (): void => showReady(machine.state());
  changed();
  const shared = { node, machine, emit, clock };
  const bounds = { frontendBounds, flowControl: hasFlowControl(options) };
  const frontends = new FrontendCalls({ ...shared, ...bounds, meter: new StreamMeter(metrics, 'Proxy') });
  const connects = new ConnectCalls({ ...shared, ...bounds, random, metrics, faithful });
  const backends = new BackendCalls({
    ...shared,
    serverId,
    serverCount,
    changed,
    authenticator: options.agentTokens && new TokenAuthenticator(options.agentTokens),
    meter: new StreamMeter(metrics, 'Connect'),
    extensions: extensionsOf(options),
    faults,
  });
  return {
    node,
    machine,
    metrics,
    ready: () => readiness(machine),
    serveFrontend: (call) => frontends.handle(call),
    serveConnect: (request) => connects.handle(request),
    agentAt: (address) => backends.agentAt(address),
    serveAgent: (call) => backends.handle(call),
    cut() {
      frontends.cut();
      connects.cut();
      backends.cut();
    },
  };
}

type MachineParts = Omit<ProxyServerOptions, 'faithful'> & {
  readonly node: string;
  readonly metrics: ServerMetrics;
  readonly faithful: FaithfulSet;
  readonly together: Congestible | undefined;
};

function createMachine({ node, metrics, faithful, together, ...options }: MachineParts): ServerMachine {
  const { emit, packetEvents, clock, random, strategies } = options;
  const { backendDialTimeoutMs = defaultBackendDialTimeoutMs(faithful) } = options;
  const counted = createMetricsObserver({ metrics, clock, levels: () => machine.levels() });
  const observer = bothObservers(counted, createEventObserver(node, emit, packetEvents));
  const machine: ServerMachine = new ServerMachine({
    clock,
    random,
    observer,
    strategies,
    backendDialTimeoutMs,
    faithful,
    together,
  });
  return machine;
}

function levels(machine: ServerMachine, announcedServers: number): ServerLevels {
  const { stalledFrontends } = machine.state();
  return { agents: machine.agents(), payload: machine.payload(), stalledFrontends, announcedServers };
}

/** As in Konnectivity, a server is ready when its first strategy knows an agent. */
function readiness(machine: ServerMachine): Readiness {
  const size = machine.state().readyBackends[0]?.size ?? 0;
  return { ok: size > 0, text: 'no connection to any proxy agent' };
}
