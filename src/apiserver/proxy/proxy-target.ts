import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { findService, noEndpoints, noServicePort, podBackends } from '../egress/service-endpoints.js';
import { startClientTls } from '../kubelet/client-tls.js';
import { kubeletEndpoint } from '../kubelet/endpoint.js';
import { findPod } from '../kubelet/target.js';
import type { RequestContext } from '../request/exchange.js';
import type { NamedRoute } from '../request/route.js';
import { badRequest, notFound, StatusError } from '../request/status.js';
import { listAt, numberAt, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import type { Facade } from '../serving/facade.js';

export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** Opens a connection, with TLS where the scheme says so. Rejects with a TunnelError. */
  readonly connect: (options: { readonly request: string; readonly signal: AbortSignal }) => Promise<Duplex>;
}

/** The parts of `[SCHEME:]NAME[:PORT]`. */
interface ProxyId {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

/** Finds the pod, service endpoint or node. Throws 400, 404 and 503 in the words of kube-apiserver. */
export function proxyTarget(facade: Facade, route: NamedRoute): ProxyTarget {
  const { resource, name, namespace = '' } = route;
  const id = parseId(name);
  if (id === undefined) throw badRequest(`invalid ${resource.singular} request ${JSON.stringify(name)}`);
  switch (resource.plural) {
    case 'pods':
      return podTarget(facade, namespace, id);
    case 'services':
      return serviceTarget(facade, { namespace, id, asked: name });
    default:
      return nodeTarget(facade, id);
  }
}

function parseId(text: string): ProxyId | undefined {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return first === '' ? undefined : { scheme: '', name: first, port: '' };
  if (parts.length === 2) {
    if (first === 'http' || first === 'https') return { scheme: first, name: second, port: '' };
    return first === '' ? undefined : { scheme: '', name: first, port: second };
  }
  const isKnown = first === 'http' || first === 'https' || first === '';
  return parts.length === 3 && isKnown && second !== ''
    ? { scheme: first, name: second, port: third }
    : undefined;
}

function podTarget(facade: Facade, namespace: string, { scheme, name, port }: ProxyId): ProxyTarget {
  const pod = findPod(facade.store, namespace, name);
  const host = textAt(pod, 'status.podIP');
  if (isIP(host) === 0) throw badRequest('address not allowed');
  const declared = listAt(pod, 'spec.containers').flatMap((container) => listAt(container, 'ports'));
  const number =
    port === '' ? numberAt(declared[0], 'containerPort') || defaultPort(scheme) : portNumber(port);
  return plainTarget(facade, scheme, { host, port: number });
}

function serviceTarget(
  facade: Facade,
  { namespace, id, asked }: { readonly namespace: string; readonly id: ProxyId; readonly asked: string },
): ProxyTarget {
  const { store, random } = facade;
  const portName = servicePortName(facade, namespace, id);
  const endpoints = store.get(coreResource('endpoints'), { namespace, name: id.name });
  if (endpoints === undefined) throw notFound(coreResource('services'), id.name);
  // kube-apiserver names the service, or all that was asked for when there are endpoints of others.
  if (listAt(endpoints, 'subsets').length === 0) throw noEndpoints(id.name);
  const backends = podBackends(store, endpoints, portName);
  const backend = backends[random.below(Math.max(1, backends.length))];
  if (backend === undefined) throw noEndpoints(asked);
  return plainTarget(facade, id.scheme, backend);
}

/** A number is looked up in the service. Without a port only the unnamed port is meant, even if there is only one. */
function servicePortName({ store }: Facade, namespace: string, { name, port }: ProxyId): string {
  if (!/^\d+$/.test(port)) return port;
  const service = findService(store, namespace, name);
  if (service === undefined) throw notFound(coreResource('services'), name);
  const found = listAt(service, 'spec.ports').find((each) => numberAt(each, 'port') === Number(port));
  if (found === undefined) throw noServicePort(Number(port), name);
  return textAt(found, 'name');
}

function nodeTarget(facade: Facade, { scheme, name, port }: ProxyId): ProxyTarget {
  const nodes = coreResource('nodes');
  const node = facade.store.get(nodes, { name });
  if (node === undefined) throw notFound(nodes, name);
  const kubelet = kubeletEndpoint(node, facade.preferredAddressTypes);
  if (port !== '' && portNumber(port) !== kubelet.port)
    return plainTarget(facade, scheme, { host: kubelet.host, port: portNumber(port) });
  return { scheme: 'https', ...kubelet, connect: (options) => facade.kubelets.connect(kubelet, options) };
}

/** Certificates of pods and services are not checked: they have names, but we dial addresses. */
function plainTarget(
  { egress, clock }: Facade,
  scheme: string,
  place: { readonly host: string; readonly port: number },
): ProxyTarget {
  const { host, port } = place;
  const dialer = egress.dialer('cluster');
  if (scheme !== 'https')
    return { scheme: 'http', ...place, connect: (options) => dialer.dial(host, port, options) };
  const secureContext = createSecureContext();
  return {
    scheme,
    ...place,
    connect: async (options) => {
      const raw = await dialer.dial(host, port, options);
      const { signal } = options;
      const tls = { secureContext, rejectUnauthorized: false, host, signal, clock, where: `backend ${host}` };
      return startClientTls(raw, tls);
    },
  };
}

function defaultPort(scheme: string): number {
  return scheme === 'https' ? 443 : 80;
}

/** A port that is not a number cannot be dialled either. */
function portNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number > 0 && number < 65_536) return number;
  const cause = `dial tcp: lookup tcp/${text}: unknown port`;
  throw new StatusError(503, `error trying to reach service: ${cause}`, { reason: 'ServiceUnavailable' });
}

/** The path after `/proxy`, as sent, without the query. */
export function pathBehindProxy({ path }: Pick<RequestContext, 'path'>): { prefix: string; rest: string } {
  const found = /^(\/+api\/+v1\/+(?:namespaces\/+[^/]+\/+)?[^/]+\/+[^/]+\/+proxy)(.*)$/.exec(path);
  return { prefix: found?.[1] ?? '', rest: found?.[2] ?? '' };
}
