import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Dialer } from '../wire/dialer.js';
import type { Facade, FaithfulBug } from './facade.js';
import { createAuthenticator, type TokenRecord } from './http/authenticate.js';
import { listen, type ServingTls } from './http/listener.js';
import { createKubeletConnector, type KubeletTls } from './kubelet/connector.js';
import { defaultAddressTypes, type NodeAddressType } from './kubelet/endpoint.js';
import { createReception } from './reception.js';
import type { ObjectStore } from './store/object-store.js';
import { createStreamCounter, type StreamCounts } from './stream-counter.js';
import { defaultVersion, versionInfo } from './version.js';
import { createWallClock } from './wall-clock.js';

export interface ApiServerOptions {
  /** Default `apiserver`. Part of event names and request IDs. */
  readonly name?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  readonly tls: ServingTls;
  /** Replicas share one. */
  readonly store: ObjectStore;
  /** The only way to kubelets. */
  readonly dialer: Dialer;
  readonly kubeletTls: KubeletTls;
  /**
   * By which of its addresses a node is dialled, most wanted first. Default as kube-apiserver's
   * `--kubelet-preferred-address-types`: Hostname, InternalDNS, InternalIP, ExternalDNS, ExternalIP.
   */
  readonly preferredAddressTypes?: readonly NodeAddressType[];
  /** Bearer tokens, besides client certificates. */
  readonly tokens?: readonly TokenRecord[];
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Kubernetes release to answer `/version` with. Default 1.33.1. */
  readonly version?: string;
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
  /** Ends all requests, streams and connections. */
  close(): Promise<void>;
}

/**
 * Starts a Kubernetes API for real kubectl. Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID or
 * CONFIG_INVALID.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { name = 'apiserver', host = '127.0.0.1', port = 0, clock, emit } = options;
  const facade: Facade = {
    node: `apiserver/${name}`,
    store: options.store,
    preferredAddressTypes: options.preferredAddressTypes ?? defaultAddressTypes,
    kubelets: createKubeletConnector({ dialer: options.dialer, tls: options.kubeletTls, clock }),
    clock,
    now: createWallClock(clock),
    emit,
    version: versionInfo(options.version ?? defaultVersion),
    streams: createStreamCounter(),
    faithful: new Set(options.faithful),
  };
  const reception = createReception(facade, createAuthenticator(options.tokens ?? []), name);
  const listener = await listen({
    host,
    port,
    clock,
    tls: options.tls,
    onRequest: reception.request,
    onUpgrade: reception.upgrade,
  });
  const address = joinHostPort(host, listener.port);
  emit({ kind: 'role.started', node: facade.node, address });
  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    reception.close();
    await listener.close();
    emit({ kind: 'role.stopped', node: facade.node, address });
  };
  return {
    url: `https://${address}`,
    address,
    openStreams: () => facade.streams.counts(),
    close: () => (closing ??= stop()),
  };
}
