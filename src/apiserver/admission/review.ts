import type { AdmissionRequest } from '../request/admission.js';
import type { User } from '../request/exchange.js';
import { parseBoundedJson } from '../request/parse.js';
import { at, listAt, textAt } from '../resources/api-object.js';
import { isObject, type JsonObject } from '../resources/json.js';
import type { Webhook } from './configurations.js';
import { CallFailure } from './failures.js';
import { checkReviewTypes } from './review-types.js';

export interface WebhookAnswer {
  readonly allowed: boolean;
  /** Only for a refusal. */
  readonly status: unknown;
  readonly warnings: readonly string[];
  /** JSON patch operations; empty for validating webhooks. */
  readonly patch: readonly unknown[];
}

/** The AdmissionReview to send to a webhook. */
export function reviewOf(webhook: Webhook, request: AdmissionRequest, uid: string): JsonObject {
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${webhook.reviewVersion}`,
    request: {
      uid,
      ...requestOf(request),
      object: request.object ?? null,
      oldObject: request.oldObject ?? null,
    },
  };
}

/** The request part of an AdmissionReview, which match conditions also see, without the objects. */
export function requestOf(request: AdmissionRequest): JsonObject {
  const { resource, subresource, namespace, operation, name, user, dryRun } = request;
  const { group, version, kind, plural } = resource;
  const what = {
    kind: request.kind ?? { group, version, kind },
    resource: { group, version, resource: plural },
  };
  const part = subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource };
  return {
    ...what,
    requestKind: what.kind,
    requestResource: what.resource,
    ...part,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: userInfo(user),
    dryRun,
    options: request.options ?? null,
  };
}

function userInfo({ name, uid, groups, extra }: User): JsonObject {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}

/** Reads the answer to a review. Throws a CallFailure for an invalid one. */
export function readAnswer(webhook: Webhook, review: unknown, uid: string): WebhookAnswer {
  checkReviewTypes(review);
  const response = at(review, 'response');
  if (!isObject(response)) throw invalid('webhook response was absent');
  if (webhook.reviewVersion === 'v1') checkIdentity(review, textAt(response, 'uid'), uid);
  const patch = textAt(response, 'patch');
  const patchType = at(response, 'patchType');
  if (webhook.type === 'admit') checkPatch(webhook, patch, patchType);
  else if (webhook.reviewVersion === 'v1') checkNoPatch(patch, patchType);
  return {
    allowed: at(response, 'allowed') === true,
    status: at(response, 'status'),
    warnings: listAt(response, 'warnings').map(String),
    patch: webhook.type === 'admit' && patch !== '' ? decodePatch(patch) : [],
  };
}

function checkIdentity(review: unknown, given: string, uid: string): void {
  if (given !== uid)
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`);
  const got = `${textAt(review, 'apiVersion')}, Kind=${textAt(review, 'kind')}`;
  const expected = 'admission.k8s.io/v1, Kind=AdmissionReview';
  if (got !== expected) throw invalid(`expected webhook response of ${expected}, got ${got}`);
}

function checkPatch({ reviewVersion }: Webhook, patch: string, patchType: unknown): void {
  if (reviewVersion === 'v1') {
    if (patch !== '' && patchType === undefined)
      throw invalid('webhook returned response.patch but not response.patchType');
    if (patch === '' && patchType !== undefined)
      throw invalid('webhook returned response.patchType but not response.patch');
    if (patchType === '') throw invalid('webhook returned invalid response.patchType of ""');
  }
  if (patch !== '' && patchType !== undefined && patchType !== 'JSONPatch')
    throw new CallFailure(`unsupported patch type ${JSON.stringify(patchType)}`);
}

function checkNoPatch(patch: string, patchType: unknown): void {
  if (patch !== '') throw invalid('validating webhook may not return response.patch');
  if (patchType !== undefined) throw invalid('validating webhook may not return response.patchType');
}

function decodePatch(base64: string): readonly unknown[] {
  try {
    const operations = parseBoundedJson(Buffer.from(base64, 'base64').toString());
    if (Array.isArray(operations)) return operations;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new CallFailure(`received undecodable patch in webhook response: ${text}`);
  }
  throw new CallFailure('received undecodable patch in webhook response: it is not a list of operations');
}

function invalid(text: string): CallFailure {
  return new CallFailure(`received invalid webhook response: ${text}`);
}
