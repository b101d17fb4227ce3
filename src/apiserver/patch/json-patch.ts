import { applyPatch, type Operation } from 'rfc6902';
import { badRequest, StatusError } from '../http/status.js';
import { isObject, type JsonObject } from '../resources/json.js';

const mostOperations = 10_000;

/** Applies a JSON patch (RFC 6902) in place. Throws 400 for a document that is none, 422 for one that does not fit. */
export function applyJsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch) || !patch.every(isOperation))
    throw badRequest('error decoding patch: a JSON patch is a list of operations');
  if (patch.length > mostOperations)
    throw new StatusError(
      413,
      `The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`,
      { reason: 'RequestEntityTooLarge' },
    );
  const failure = applyPatch(target, patch).find((error) => error !== null);
  if (failure === undefined) return target;
  throw unfit();
}

function isOperation(value: unknown): value is Operation {
  return isObject(value) && typeof value['op'] === 'string' && typeof value['path'] === 'string';
}

/** kube-apiserver tells of the patch with no more words than these, and without causes, which kubectl would show instead. */
function unfit(): StatusError {
  return new StatusError(422, 'the server rejected our request due to an error in our request', {
    reason: 'Invalid',
    details: {},
  });
}
