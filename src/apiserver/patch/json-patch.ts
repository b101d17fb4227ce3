import { badRequest, StatusError } from '../request/status.js';
import { isObject, type JsonObject } from '../resources/json.js';
import { applyOperation, PatchMisfit, type PatchOperation, PatchRun } from './operations.js';

const maxOperations = 10_000;

/** Applies a JSON patch (RFC 6902) in place. Throws 400 for an invalid document, 422 for one that does not fit. */
export function applyJsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!isJsonPatch(patch)) throw badRequest('error decoding patch: a JSON patch is a list of operations');
  if (patch.length > maxOperations)
    throw new StatusError(
      413,
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
      { reason: 'RequestEntityTooLarge' },
    );
  try {
    return applyOperations(target, patch);
  } catch (caught) {
    throw caught instanceof PatchMisfit ? unfit() : caught;
  }
}

/** The same without a limit on the number of operations. Throws PatchMisfit. */
export function applyOperations(target: JsonObject, patch: readonly PatchOperation[]): JsonObject {
  const run = new PatchRun(target);
  for (const operation of patch) applyOperation(run, operation);
  return run.finish();
}

export function isJsonPatch(value: unknown): value is readonly PatchOperation[] {
  return Array.isArray(value) && value.every(isOperation);
}

function isOperation(value: unknown): value is PatchOperation {
  return isObject(value) && typeof value['op'] === 'string' && typeof value['path'] === 'string';
}

/** kube-apiserver uses only these words, and no causes, which kubectl would show instead. */
function unfit(): StatusError {
  return new StatusError(422, 'the server rejected our request due to an error in our request', {
    reason: 'Invalid',
    details: {},
  });
}
