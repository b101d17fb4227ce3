import { type FieldError, forbiddenField } from '../request/invalid.js';
import { childOf, ensureChild, itemsOf, type JsonObject, sameJson } from '../resources/json.js';

/** A write of `pods/ephemeralcontainers` may change only those. */
export function keepAllButEphemeral(next: JsonObject, old: JsonObject): void {
  const added = childOf(next, 'spec')?.['ephemeralContainers'];
  const spec = structuredClone(childOf(old, 'spec') ?? {});
  if (added === undefined) delete spec['ephemeralContainers'];
  else spec['ephemeralContainers'] = added;
  next['spec'] = spec;
  if (old['status'] !== undefined) next['status'] = structuredClone(old['status']);
  const { labels, annotations } = childOf(old, 'metadata') ?? {};
  const metadata = ensureChild(next, 'metadata');
  for (const [key, value] of Object.entries({ labels, annotations }))
    if (value === undefined) delete metadata[key];
    else metadata[key] = structuredClone(value);
}

/** Ephemeral containers can be added, but not removed or changed. */
export function ephemeralErrors(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const field = 'spec.ephemeralContainers';
  const now = new Map(
    itemsOf(childOf(next, 'spec'), 'ephemeralContainers').map((each) => [each['name'], each]),
  );
  return itemsOf(childOf(old, 'spec'), 'ephemeralContainers').flatMap((before) => {
    const name = String(before['name']);
    const found = now.get(before['name']);
    if (found === undefined)
      return [
        forbiddenField(field, `existing ephemeral containers ${JSON.stringify(name)} may not be removed\n`),
      ];
    if (sameJson(found, before)) return [];
    return [
      forbiddenField(field, `existing ephemeral containers ${JSON.stringify(name)} may not be changed\n`),
    ];
  });
}
