import { randomInt } from 'node:crypto';
import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import { createRandom, type Random } from '../core/random.js';
import { createWallClock, type WallClock } from '../core/wall-clock.js';
import type { Dialer } from '../wire/client/dialer.js';
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
import { createReception } from './reception.js';
import { type Admission, admitEverything } from './request/admission.js';
import { type ApiMetrics, createApiMetrics } from './serving/api-metrics.js';
import type { Facade, FaithfulBug } from './serving/facade.js';
import { createInFlightGate, type InFlightLimits } from './serving/max-in-flight.js';
import { Lifecycle, type ShutdownOptions, shutDown } from './serving/shutdown.js';
import { createStreamCounter, type StreamCounts } from './serving/stream-counter.js';
import { defaultVersion, versionInfo } from './serving/version.js';
import type { LocalStore, ObjectStore } from './store/object-store.js';
import { restrictNodes } from './write/node-restriction.js';

export interface ApiServerOptions {
  /** Default `apiserver`. Part of event names and request IDs. */
  readonly name?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  readonly tls: ServingTls | Renewable<ServingTls>;
  /** Replicas share one, or have mirrors of one. */
  readonly store: ObjectStore | LocalStore;
  /** The way into the cluster (kubelets, pods, services), unless `egress` is given. All else is then plain TCP. */
  readonly dialer?: Dialer;
  /** The ways by what they lead to. Default: `dialer` for the cluster, and plain TCP. */
  readonly egress?: EgressDialers;
  readonly kubeletTls: KubeletTls | Renewable<KubeletTls>;
  /**
   * By which of its addresses a node is dialled, most wanted first. Default as kube-apiserver's
   * `--kubelet-preferred-address-types`: Hostname, InternalDNS, InternalIP, ExternalDNS, ExternalIP.
   */
  readonly preferredAddressTypes?: readonly NodeAddressType[];
  /** Bearer tokens, besides client certificates. */
  readonly tokens?: readonly TokenRecord[];
  /** What signs the tokens of service accounts; replicas share one. Default: a key of its own. */
  readonly tokenKeys?: TokenKeys;
  /** Default `RBAC`. */
  readonly authorization?: AuthorizationMode;
  /** Asked before every write, and before webhooks are; may change or refuse it. Default: lets all through. */
  readonly admit?: Admission;
  /** Whether admission webhooks are called. Default true. */
  readonly webhooks?: boolean;
  /** Also runs scheduler and controllers on the store, which must be a local one. One replica is enough. Default false. */
  readonly controllers?: boolean;
  readonly clock: Clock;
  /** Default: the machine's wall time, as far as `clock` keeps its pace. */
  readonly now?: WallClock;
  /** Names and IDs of new objects. Default: different ones in each run. */
  readonly random?: Random;
  readonly emit: EventSink;
  /** Kubernetes release to answer `/version` with. Default 1.33.1. */
  readonly version?: string;
  /** Requests under way at once; those above get 429. Default 400, of which change something 200. */
  readonly inFlight?: InFlightLimits;
  /** Bugs of kube-apiserver to reproduce. Default none. */
  readonly faithful?: readonly FaithfulBug[];
}

/** A running API façade. */
export interface ApiServer {
  /** `https://host:port`. */
  readonly url: string;
  /** `host:port`. */
  readonly address: string;
  /** Long-lived requests that are open now. */
  openStreams(): StreamCounts;
  /** Ends gracefully, as kube-apiserver does at SIGTERM; then as `close`. */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** Ends all requests, streams and connections. */
  close(): Promise<void>;
}

/**
 * Starts a Kubernetes API for real kubectl. Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID or
 * CONFIG_INVALID.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { name = 'apiserver', host = '127.0.0.1', port = 0, clock, emit } = options;
  const metrics = createApiMetrics();
  const { facade, webhooks } = createFacade(options, name, metrics);
  const reception = createReception(facade, createAuthenticator(facade.authenticateToken), name);
  const listener = await listen({
    host,
    port,
    clock,
    tls: options.tls,
    onRequest: reception.request,
    onUpgrade: reception.upgrade,
  });
  const address = joinHostPort(host, listener.port);
  const controllers = ownControllers(options, facade);
  emit({ kind: 'role.started', node: facade.node, address });
  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    controllers?.close();
    webhooks.close();
    reception.close();
    facade.lifecycle.close();
    await listener.close();
    emit({ kind: 'role.stopped', node: facade.node, address });
  };
  return {
    url: `https://${address}`,
    address,
    openStreams: () => facade.streams.counts(),
    shutdown: async (shutdown = {}) => {
      const { lifecycle, streams } = facade;
      const underWay = (): number => reception.open() - streamsWithoutEnd(streams.counts());
      await shutDown({ clock, lifecycle, stopListening: listener.drain, underWay }, shutdown);
      await (closing ??= stop());
    },
    close: () => (closing ??= stop()),
  };
}

function ownControllers({ controllers, store }: ApiServerOptions, facade: Facade): Controllers | undefined {
  if (controllers !== true) return undefined;
  if ('put' in store) return startControllers({ ...facade, store });
  throw new TunnelError('INTERNAL', 'controllers run where the objects are kept', { where: facade.node });
}

/** Watches end by themselves in a shutdown; these do not. */
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
  const webhooks = createWebhookAdmission({ store, egress, random, clock, observe, authorize }, admit);
  const asked = options.webhooks === false ? admit : webhooks.admit;
  const tokenKeys = options.tokenKeys ?? createTokenKeys();
  const facade: Facade = {
    node: `apiserver/${name}`,
    store,
    preferredAddressTypes: options.preferredAddressTypes ?? defaultAddressTypes,
    kubelets: createKubeletConnector({
      dialer: egress.dialer('cluster'),
      tls: options.kubeletTls,
      clock,
    }),
    egress,
    clock,
    now,
    emit,
    random,
    metrics,
    tokenKeys,
    authenticateToken: createTokenAuthenticator(options.tokens ?? [], { keys: tokenKeys, store, now }),
    authorize,
    admit: mode === 'RBAC' ? restrictNodes(asked, store) : asked,
    version: versionInfo(options.version ?? defaultVersion),
    streams: createStreamCounter(),
    lifecycle: new Lifecycle(),
    enter: createInFlightGate(options.inFlight ?? {}),
    faithful: new Set(options.faithful),
  };
  return { facade, webhooks };
}
