import { badRequest } from '../request/status.js';
import { isObject, type JsonObject, ownValue, setKey } from '../resources/json.js';
import { type Field, findMessage, type Message, messageOfField } from '../schema/message-table.js';
import { KeyedItems } from './keyed-items.js';

/**
 * Applies a strategic merge patch. It is like a merge patch, but lists with a merge key are merged item by item, and
 * directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) change how. Throws 400.
 */
export function applyStrategicMergePatch(kind: string, target: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(findMessage(kind), target, patch);
}

const order = '$setElementOrder/';
const deletion = '$deleteFromPrimitiveList/';

function mergeObject(message: Message | undefined, target: JsonObject, patch: JsonObject): JsonObject {
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === 'replace') return plain(changes);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive);
  const result = retainOnly(target, retained);
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith(order)) continue;
    if (key.startsWith(deletion)) deletePrimitives(result, key.slice(deletion.length), value);
    else if (value === null) delete result[key];
    else setKey(result, key, mergeValue(message?.byName.get(key), ownValue(result, key), value));
  }
  for (const [key, value] of Object.entries(changes))
    if (key.startsWith(order)) setOrder(message, result, { key: key.slice(order.length), wanted: value });
  return result;
}

function retainOnly(target: JsonObject, retained: unknown): JsonObject {
  if (retained === undefined) return { ...target };
  if (!Array.isArray(retained)) throw badRequest('$retainKeys must be a list');
  const names = new Set<unknown>(retained);
  return Object.fromEntries(Object.entries(target).filter(([key]) => names.has(key)));
}

function deletePrimitives(result: JsonObject, key: string, values: unknown): void {
  const list = ownValue(result, key);
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  const gone = new Set<unknown>(values);
  setKey(
    result,
    key,
    list.filter((item) => !gone.has(item)),
  );
}

function mergeValue(field: Field | undefined, current: unknown, value: unknown): unknown {
  if (isObject(value)) {
    const message = field?.shape === 'one' ? messageOfField(field) : undefined;
    return mergeObject(message, isObject(current) ? current : {}, value);
  }
  if (!Array.isArray(value) || field?.mergeKey === undefined) return plain(value);
  return mergeList(field, Array.isArray(current) ? current : [], value);
}

function mergeList(field: Field, current: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const { mergeKey = '' } = field;
  if (mergeKey === '') return mergeSet(current, patch);
  const items = patch.filter(isObject);
  if (items.length !== patch.length) throw badRequest(`${field.name} is a list of objects`);
  const isReplaced = items.some((item) => item['$patch'] === 'replace');
  const result = new KeyedItems(mergeKey, isReplaced ? [] : current);
  for (const item of items) {
    const { $patch: directive, ...rest } = item;
    if (directive === 'replace') {
      if (Object.keys(rest).length > 0) result.add(plain(rest));
      continue;
    }
    if (directive !== undefined && directive !== 'delete' && directive !== 'merge')
      throw unknownDirective(directive);
    if (rest[mergeKey] === undefined)
      throw badRequest(`map: ${JSON.stringify(rest)} does not contain declared merge key: ${mergeKey}`);
    if (directive === 'delete') result.remove(rest);
    else result.merge(rest, (old) => mergeObject(messageOfField(field), old, rest));
  }
  return result.list();
}

function mergeSet(current: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const known = new Set(current);
  return [...current, ...patch.filter((item) => !known.has(item))];
}

/** Sorts items into the wanted order; an item that is not named stays after the one that it followed. */
function setOrder(
  message: Message | undefined,
  result: JsonObject,
  { key, wanted }: { key: string; wanted: unknown },
): void {
  const list = ownValue(result, key);
  if (!Array.isArray(list) || !Array.isArray(wanted)) return;
  const mergeKey = message?.byName.get(key)?.mergeKey ?? '';
  const identity = (item: unknown): string =>
    JSON.stringify(mergeKey !== '' && isObject(item) ? item[mergeKey] : item);
  const rank = new Map(wanted.map((item, index) => [identity(item), index]));
  let last = -1;
  const ranked = list.map((item: unknown, index) => {
    last = rank.get(identity(item)) ?? last;
    return { item, index, rank: last };
  });
  const sorted = ranked.sort((a, b) => a.rank - b.rank || a.index - b.index);
  setKey(
    result,
    key,
    sorted.map(({ item }) => item),
  );
}

/** A value without directives and nulls, which have no meaning when there is nothing to merge with. */
function plain(value: JsonObject): JsonObject;
function plain(value: unknown): unknown;
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, entry]) => entry !== null && !key.startsWith('$'));
  return Object.fromEntries(kept.map(([key, entry]) => [key, plain(entry)]));
}

function unknownDirective(directive: unknown): Error {
  return badRequest(`unknown patch directive: ${JSON.stringify(directive)}`);
}
