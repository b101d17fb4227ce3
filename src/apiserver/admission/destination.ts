import { posix } from 'node:path';
import type { Duplex } from 'node:stream';
import { joinHostPort } from '../../core/address.js';
import type { Random } from '../../core/random.js';
import type { EgressDialers } from '../egress/selector.js';
import { findService, noEndpoints, noServicePort, readyBackends } from '../egress/service-endpoints.js';
import { at, listAt, numberAt, textAt } from '../resources/api-object.js';
import type { ObjectStore } from '../store/object-store.js';
import { CallFailure } from './failures.js';

export interface Destination {
  /** Without the query, as kube-apiserver shows it. A service has its port; a URL has a port only if it is given. */
  readonly address: string;
  /** The name that the certificate must have. */
  readonly serverName: string;
  /** Rejects with a TunnelError, or with the reason why a service cannot be reached. */
  readonly dial: (options: { readonly signal: AbortSignal; readonly request: string }) => Promise<Duplex>;
}

export interface DestinationContext {
  readonly store: ObjectStore;
  readonly egress: EgressDialers;
  readonly random: Random;
}

const httpsPort = 443;

/**
 * Services are reached at the addresses of their pods, through egress `cluster`, with the name `NAME.NAMESPACE.svc`;
 * URLs through egress `controlplane`. Throws a CallFailure for an invalid URL.
 */
export function destinationOf(context: DestinationContext, clientConfig: unknown): Destination {
  const service = at(clientConfig, 'service');
  return service === undefined
    ? urlDestination(context, textAt(clientConfig, 'url'))
    : serviceDestination(context, service);
}

function urlDestination({ egress }: DestinationContext, text: string): Destination {
  if (!URL.canParse(text)) throw new CallFailure(`Unparsable URL: ${text}`);
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || httpsPort;
  const authority = /^[^:]+:\/+([^/?#]+)/.exec(text)?.[1] ?? url.host;
  return {
    address: `https://${authority}${cleaned(url.pathname)}`,
    serverName: host,
    dial: (options) => egress.dialer('controlplane').dial(host, port, options),
  };
}

/** As client-go: `/validate` for `/validate/`, and one slash for many. */
const cleaned = (path: string): string => posix.resolve('/', path);

function serviceDestination(context: DestinationContext, service: unknown): Destination {
  const { egress } = context;
  const name = textAt(service, 'name');
  const namespace = textAt(service, 'namespace');
  const port = numberAt(service, 'port') || httpsPort;
  const serverName = `${name}.${namespace}.svc`;
  const { pathname: path } = new URL(textAt(service, 'path') || '/', `https://${serverName}`);
  return {
    address: `https://${joinHostPort(serverName, port)}${cleaned(path)}`,
    serverName,
    dial: async (options) => {
      const backend = backendOf(context, { name, namespace, port });
      return egress.dialer('cluster').dial(backend.host, backend.port, options);
    },
  };
}

interface ServicePort {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

function backendOf(
  { store, random }: DestinationContext,
  { name, namespace, port }: ServicePort,
): { host: string; port: number } {
  const service = findService(store, namespace, name);
  if (service === undefined) throw new CallFailure(`service ${JSON.stringify(name)} not found`);
  const found = listAt(service, 'spec.ports').find((each) => numberAt(each, 'port') === port);
  if (found === undefined) throw noServicePort(port, name);
  const type = textAt(service, 'spec.type') || 'ClusterIP';
  if (type === 'ExternalName') throw new CallFailure(`unsupported service type ${JSON.stringify(type)}`);
  const backends = readyBackends(store, service, textAt(found, 'name'));
  const backend = backends[random.below(Math.max(1, backends.length))];
  if (backend === undefined) throw noEndpoints(name);
  return backend;
}
