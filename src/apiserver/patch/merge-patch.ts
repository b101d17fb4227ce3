import { isObject, type JsonObject, ownValue, setKey } from '../resources/json.js';

/** Applies a merge patch (RFC 7386): objects are merged, null removes, everything else replaces. */
export function applyMergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const old = ownValue(result, key);
    if (value === null) delete result[key];
    else if (isObject(value)) setKey(result, key, applyMergePatch(isObject(old) ? old : {}, value));
    else setKey(result, key, value);
  }
  return result;
}
