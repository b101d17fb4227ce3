import { readBody } from '../http/request-body.js';
import type { Exchange } from '../request/exchange.js';
import { type FieldError, invalidObject, invalidValue, notSupported } from '../request/invalid.js';
import { childOf, type JsonObject } from '../resources/json.js';
import { asKind, decodeBody } from './decode.js';
import { parseWriteOptions } from './write-options.js';

export interface DeleteOptions {
  /** Absent: the object's own value. */
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan';
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly dryRun: boolean;
}

const policies = ['Foreground', 'Background', 'Orphan'] as const;

/** Reads them from the body, or from the query when there is no body. Rejects with 400 and 422. */
export async function readDeleteOptions(exchange: Exchange): Promise<DeleteOptions> {
  const { request, query } = exchange;
  const body = await readBody(request);
  const queried = parseWriteOptions(exchange, 'DeleteOptions');
  const given = body.length === 0 ? fromQuery(query) : decodeDeleteOptions(await decodeBody(request, body));
  return deleteOptionsOf(given, queried.dryRun);
}

/** Checks options that are part of another body. Throws 422. */
export function deleteOptionsOf(given: JsonObject, isDryRun: boolean): DeleteOptions {
  const { gracePeriodSeconds, orphanDependents, dryRun } = given;
  const policy = given['propagationPolicy'] ?? (orphanDependents === true ? 'Orphan' : 'Background');
  refuseInvalid(policy, gracePeriodSeconds);
  const { uid, resourceVersion } = childOf(given, 'preconditions') ?? {};
  return {
    propagationPolicy: policies.find((each) => each === policy) ?? 'Background',
    dryRun: isDryRun || (Array.isArray(dryRun) && dryRun.length > 0),
    ...(typeof gracePeriodSeconds === 'number' ? { gracePeriodSeconds } : {}),
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' && resourceVersion !== '' ? { resourceVersion } : {}),
  };
}

/** Clients of any group send the options with the version of their group. */
function decodeDeleteOptions(raw: JsonObject): JsonObject {
  const { apiVersion: _version, ...rest } = raw;
  return asKind(
    rest,
    { apiVersion: 'v1', kind: 'DeleteOptions' },
    { fieldValidation: 'Ignore', warn: () => undefined },
  );
}

function fromQuery(query: URLSearchParams): JsonObject {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  return {
    ...(grace === null || grace === '' ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null || policy === '' ? {} : { propagationPolicy: policy }),
    ...(query.get('orphanDependents') === 'true' ? { orphanDependents: true } : {}),
  };
}

function refuseInvalid(policy: unknown, gracePeriodSeconds: unknown): void {
  const errors: FieldError[] = [];
  if (!policies.some((each) => each === policy))
    errors.push(notSupported('propagationPolicy', policy, [...policies]));
  if (typeof gracePeriodSeconds === 'number' && !Number.isInteger(gracePeriodSeconds))
    errors.push(invalidValue('gracePeriodSeconds', gracePeriodSeconds, 'must be an integer'));
  if (errors.length > 0) throw invalidObject({ kind: 'DeleteOptions', group: 'meta.k8s.io' }, '', errors);
}
