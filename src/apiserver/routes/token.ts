import { rfc3339 } from '../../kube/time.js';
import { type BoundObject, signServiceAccountToken } from '../auth/service-account-tokens.js';
import { readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import { type FieldError, invalidObject, invalidValue, notSupported } from '../request/invalid.js';
import type { NamedRoute } from '../request/route.js';
import { badRequest, conflict, notFound } from '../request/status.js';
import { at, listAt, textAt } from '../resources/api-object.js';
import { coreResource, findKind } from '../resources/catalogue.js';
import { childOf, type JsonObject } from '../resources/json.js';
import { accountOfPod } from '../resources/pod-references.js';
import type { Facade } from '../serving/facade.js';
import { asKind, decodeBody } from '../write/decode.js';
import { admitted } from '../write/write.js';
import { expectedKind, namedWriteOf } from './write-answers.js';

const defaultSeconds = 3600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;

/** POST of `serviceaccounts/NAME/token`: a signed token with a limited lifetime. */
export async function handleTokenRequest(
  facade: Facade,
  exchange: Exchange,
  route: NamedRoute,
): Promise<void> {
  const { namespace = '', name, resource } = route;
  const account = facade.store.get(resource, route);
  if (account === undefined) throw notFound(resource, name);
  const raw = await decodeBody(exchange.request, await readBody(exchange.request));
  const write = namedWriteOf(facade, exchange, { route, name, kind: 'CreateOptions' });
  const { options, warn } = write;
  const asIs = asKind(raw, expectedKind(route), { fieldValidation: options.fieldValidation, warn });
  const { object: body, review } = await admitted(write, 'CREATE', { name, object: asIs });
  const expirationSeconds = expirationOf(body);
  await review(body);
  const asked = listAt(body, 'spec.audiences').map(String);
  const audiences = asked.length > 0 ? asked : [facade.tokenKeys.issuer];
  const nowMs = facade.now();
  const wish = { namespace, name, uid: account.metadata.uid, audiences, expirationSeconds };
  const token = signServiceAccountToken(
    facade.tokenKeys,
    { ...wish, bound: boundTo(facade, body, route) },
    nowMs,
  );
  sendJson(
    exchange.response,
    {
      ...body,
      metadata: { name, namespace, creationTimestamp: rfc3339(nowMs) },
      spec: { ...childOf(body, 'spec'), audiences, expirationSeconds },
      status: { token, expirationTimestamp: rfc3339(nowMs + expirationSeconds * 1000) },
    },
    201,
  );
}

function expirationOf(body: JsonObject): number {
  const given = at(body, 'spec.expirationSeconds');
  if (typeof given !== 'number') return defaultSeconds;
  const field = 'spec.expirationSeconds';
  const errors: FieldError[] = [];
  if (given < minSeconds)
    errors.push(invalidValue(field, given, 'may not specify a duration less than 10 minutes'));
  if (given > maxSeconds)
    errors.push(invalidValue(field, given, 'may not specify a duration larger than 2^32 seconds'));
  if (errors.length > 0)
    throw invalidObject({ kind: 'TokenRequest', group: 'authentication.k8s.io' }, '', errors);
  return given;
}

/** The object that the token is bound to; for a pod also its node. */
function boundTo(
  { store }: Facade,
  body: JsonObject,
  { namespace = '', name: account }: NamedRoute,
): readonly BoundObject[] {
  const kind = textAt(body, 'spec.boundObjectRef.kind');
  if (kind === '') return [];
  if (kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node')
    throw invalidObject({ kind: 'TokenRequest', group: 'authentication.k8s.io' }, '', [
      notSupported('spec.boundObjectRef.kind', kind, ['Pod', 'Secret', 'Node']),
    ]);
  const resource = findKind('v1', kind);
  const name = textAt(body, 'spec.boundObjectRef.name');
  const place = { name, ...(kind === 'Node' ? {} : { namespace }) };
  const found = resource === undefined ? undefined : store.get(resource, place);
  if (resource === undefined || found === undefined) throw notFound(resource ?? coreResource('pods'), name);
  if (kind === 'Pod' && accountOfPod(found) !== account)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    );
  const { uid } = found.metadata;
  const asked = textAt(body, 'spec.boundObjectRef.uid');
  if (asked !== '' && asked !== uid) {
    const cause = `the UID in the bound object reference (${asked}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(resource, name, cause);
  }
  const bound: BoundObject = { kind, name, uid };
  const nodeName = kind === 'Pod' ? textAt(found, 'spec.nodeName') : '';
  const node = nodeName === '' ? undefined : store.get(coreResource('nodes'), { name: nodeName });
  return node === undefined ? [bound] : [bound, { kind: 'Node', name: nodeName, uid: node.metadata.uid }];
}
