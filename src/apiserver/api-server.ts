import { randomInt } from 'node:crypto';
import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import { type FaithfulOptions, faithfulSet } from '../core/faithful.js';
import { createRandom, type Random } from '../core/random.js';
import { createWallClock, type WallClock } from '../core/wall-clock.js';
import type { Dialer } from '../wire/client/dialer.js';
import type { HandshakeFaults } from '../wire/net/handshake-faults.js';
import type { Renewable } from '../wire/net/tls.js';
import { createWebhookAdmission, type WebhookAdmission } from './admission/webhook-admission.js';
import { createAuthenticator, createTokenAuthenticator, type TokenRecord } from './auth/authenticate.js';
import { type AuthorizationMode, createAuthorizer } from './auth/authorize.js';
import { createTokenKeys, type TokenKeys } from './auth/service-account-tokens.js';
import { type Controllers, startControllers } from './controllers/controllers.js';
import { createDirectDialer } from './egress/direct-dialer.js';
import { type EgressDialers, intoCluster } from './egress/selector.js';
import { listen, type ServingTls } from './http/listener.js';
import { createKubeletConnector, type KubeletTls } from './kubelet/connector.js';
import { defaultAddressTypes, type NodeAddressType } from './kubelet/endpoint.js';
import { type Admission, admitEverything } from './request/admission.js';
import { createRequestHandling } from './request-handling.js';
import { type ApiMetrics, createApiMetrics } from './serving/api-metrics.js';
import type { Facade } from './serving/facade.js';
import { createInFlightGate, type InFlightLimits } from './serving/max-in-flight.js';
import { Lifecycle, type ShutdownOptions, shutDown } from './serving/shutdown.js';
import { createStreamCounter, type StreamCounts } from './serving/stream-counter.js';
import { defaultVersion, versionInfo } from './serving/version.js';
import type { LocalStore, ObjectStore } from './store/object-store.js';
import { restrictNodes } from './write/node-restriction.js';

export interface ApiServerOptions extends FaithfulOptions {
  /** Default `apiserver`. Part of event names and request IDs. */
  readonly name?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  readonly tls: ServingTls | Renewable<ServingTls>;
  /** Replicas share one store, or each has a mirror of it. */
  readonly store: ObjectStore | LocalStore;
  /** Connects to the cluster (kubelets, pods, services) unless `egress` is given. All else uses plain TCP. */
  readonly dialer?: Dialer;
  /** The dialers by destination. Default: `dialer` for the cluster, and plain TCP. */
  readonly egress?: EgressDialers;
  readonly kubeletTls: KubeletTls | Renewable<KubeletTls>;
  /** What is wrong in its handshakes with kubelets. Default: nothing. */
  readonly kubeletHandshakes?: HandshakeFaults;
  /** The time by which tokens are judged. Default `now`. */
  readonly tokenNow?: WallClock;
  /** Which address of a node is dialled; preferred type first. Default: kube-apiserver's, `defaultAddressTypes`. */
  readonly preferredAddressTypes?: readonly NodeAddressType[];
  /** Bearer tokens, in addition to client certificates. */
  readonly tokens?: readonly TokenRecord[];
  /** The keys that sign service account tokens; replicas share them. Default: a new key. */
  readonly tokenKeys?: TokenKeys;
  /** Default `RBAC`. */
  readonly authorization?: AuthorizationMode;
  /** Called before every write, and before webhooks; may change or refuse it. Default: allows every write. */
  readonly admit?: Admission;
  /** Whether admission webhooks are called. Default true. */
  readonly webhooks?: boolean;
  /** Also runs the scheduler and controllers; needs a local store. One replica is enough. Default false. */
  readonly controllers?: boolean;
  readonly clock: Clock;
  /** Default: the machine's wall time, advanced by `clock`. */
  readonly now?: WallClock;
  /** For names and IDs of new objects. Default: different ones in each run. */
  readonly random?: Random;
  readonly emit: EventSink;
  /** The Kubernetes release for `/version`. Default 1.33.1. */
  readonly version?: string;
  /** The highest number of running requests; more get 429. Default 400, and 200 of them for writes. */
  readonly inFlight?: InFlightLimits;
}

export interface ApiServer {
  /** `https://host:port`. */
  readonly url: string;
  /** `host:port`. */
  readonly address: string;
  /** Long-lived requests that are open now. */
  openStreams(): StreamCounts;
  /** Connections through the tunnel to webhooks that wait for their next call. */
  keptConnections(): number;
  /** Ends gracefully, as kube-apiserver does at SIGTERM; then does the same as `close`. */
  shutdown(options?: ShutdownOptions): Promise<void>;
  close(): Promise<void>;
}

/** Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID or CONFIG_INVALID. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { name = 'apiserver', host = '127.0.0.1', port = 0, clock, emit } = options;
  const metrics = createApiMetrics();
  const { facade, webhooks } = createFacade(options, name, metrics);
  const handling = createRequestHandling(facade, createAuthenticator(facade.authenticateToken), name);
  const listener = await listen({
    host,
    port,
    clock,
    tls: options.tls,
    onRequest: handling.request,
    onUpgrade: handling.upgrade,
  });
  const address = joinHostPort(host, listener.port);
  const controllers = ownControllers(options, facade);
  emit({ kind: 'role.started', node: facade.node, address });
  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    controllers?.close();
    webhooks.close();
    handling.close();
    facade.lifecycle.close();
    await listener.close();
    emit({ kind: 'role.stopped', node: facade.node, address });
  };
  return {
    url: `https://${address}`,
    address,
    openStreams: () => facade.streams.counts(),
    keptConnections: () => webhooks.kept(),
    shutdown: async (shutdown = {}) => {
      const { lifecycle, streams } = facade;
      const underWay = (): number => handling.open() - streamsWithoutEnd(streams.counts());
      await shutDown({ clock, lifecycle, stopListening: listener.drain, underWay }, shutdown);
      await (closing ??= stop());
    },
    close: () => (closing ??= stop()),
  };
}

function ownControllers({ controllers, store }: ApiServerOptions, facade: Facade): Controllers | undefined {
  if (controllers !== true) return undefined;
  if ('put' in store) return startControllers({ ...facade, store });
  throw new TunnelError('INTERNAL', 'controllers need a store in the same process', { where: facade.node });
}

/** In a shutdown watches end by themselves; these streams do not. */
function streamsWithoutEnd({ log, exec, attach, portforward, proxy }: StreamCounts): number {
  return log + exec + attach + portforward + proxy;
}

function createFacade(
  options: ApiServerOptions,
  name: string,
  metrics: ApiMetrics,
): { readonly facade: Facade; readonly webhooks: WebhookAdmission } {
  const { clock, emit, store, admit = admitEverything, authorization: mode = 'RBAC' } = options;
  const now = options.now ?? createWallClock(clock);
  const direct = createDirectDialer(clock);
  const egress = options.egress ?? intoCluster(options.dialer ?? direct, direct);
  const random = options.random ?? createRandom(randomInt(2 ** 32));
  const observe = metrics.webhookCalled;
  const authorize = createAuthorizer(mode, store);
  const node = `apiserver/${name}`;
  const calling = { store, egress, random, clock, observe, authorize, node, emit };
  const webhooks = createWebhookAdmission(calling, admit);
  const asked = options.webhooks === false ? admit : webhooks.admit;
  const tokenKeys = options.tokenKeys ?? createTokenKeys();
  const facade: Facade = {
    node,
    store,
    preferredAddressTypes: options.preferredAddressTypes ?? defaultAddressTypes,
    kubelets: createKubeletConnector({
      dialer: egress.dialer('cluster'),
      tls: options.kubeletTls,
      clock,
      handshakes: options.kubeletHandshakes,
    }),
    egress,
    clock,
    now,
    emit,
    random,
    metrics,
    tokenKeys,
    authenticateToken: createTokenAuthenticator(options.tokens ?? [], {
      ...{ keys: tokenKeys, store },
      now: options.tokenNow ?? now,
    }),
    authorize,
    admit: mode === 'RBAC' ? restrictNodes(asked, store) : asked,
    version: versionInfo(options.version ?? defaultVersion),
    streams: createStreamCounter(),
    lifecycle: new Lifecycle(),
    enter: createInFlightGate(options.inFlight ?? {}),
    faithful: faithfulSet(options),
  };
  return { facade, webhooks };
}
