import { isObject, type JsonObject, ownValue, sameJson, setKey } from '../resources/json.js';
import { excessOf, extentOfText, maxDepth, maxValues } from '../resources/json-limits.js';

/** One operation of a JSON patch, partly checked. */
export interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: unknown;
  readonly value?: unknown;
}

/** Bytes of JSON that all copies of one patch may add, as in kube-apiserver. */
const maxCopiedBytes = 3 * 1024 * 1024;
/** Values that the copies of one patch may add: so many that usual copies meet the byte limit first. */
const maxCopiedValues = 4 * maxValues;
/** Items that one patch may move in lists. Go would need the same time, but has more threads. */
const maxMovedItems = 50_000_000;

/** A patch that does not fit its target. The texts are those of kube-apiserver's library, where it has one. */
export class PatchMisfit extends Error {
  override readonly name = 'PatchMisfit';
}

type Container = JsonObject | unknown[];

/** A place in the target: an item of a list or a key of an object. */
interface Place {
  readonly container: Container;
  readonly key: string;
  readonly path: string;
}

/** One patch being applied to a target, which it changes, and its cost so far. */
export class PatchRun {
  private readonly target: JsonObject;
  private copiedBytes = 0;
  private copiedValues = 0;
  private movedItems = 0;

  constructor(target: JsonObject) {
    this.target = target;
  }

  /** The patched target. Throws PatchMisfit when it has become too deep. */
  finish(): JsonObject {
    refuseDeep(this.target);
    return this.target;
  }

  /** The place of a pointer; its parents must exist. */
  find(path: unknown): Place {
    if (typeof path !== 'string' || !path.startsWith('/'))
      throw new PatchMisfit(`no pointer: ${String(path)}`);
    const keys = path.slice(1).split('/').map(unescapeKey);
    const key = keys.pop() ?? '';
    let container: unknown = this.target;
    for (const each of keys) container = isContainer(container) ? valueAt(container, each) : undefined;
    if (!isContainer(container)) throw new PatchMisfit(`doc is missing path: "${path}": missing value`);
    return { container, key, path };
  }

  add({ container, key, path }: Place, value: unknown): void {
    if (!Array.isArray(container)) return setKey(container, key, value);
    const index = key === '-' ? container.length : indexIn(key, container.length + 1);
    if (index === undefined) throw new PatchMisfit(`Unable to access invalid index: ${path}`);
    this.move(container.length - index);
    container.splice(index, 0, value);
  }

  remove({ container, key, path }: Place): void {
    if (!Array.isArray(container)) {
      if (!Object.hasOwn(container, key)) throw new PatchMisfit(`Unable to remove nonexistent key: ${path}`);
      delete container[key];
      return;
    }
    const index = indexIn(key, container.length);
    if (index === undefined) throw new PatchMisfit(`Unable to access invalid index: ${path}`);
    this.move(container.length - index);
    container.splice(index, 1);
  }

  copyOf(value: unknown): unknown {
    refuseDeep(value);
    const json = JSON.stringify(value);
    this.copiedBytes += Buffer.byteLength(json);
    this.copiedValues += extentOfText(json).values;
    if (this.copiedValues > maxCopiedValues)
      throw new PatchMisfit('the copies of the patch have too many values');
    if (this.copiedBytes > maxCopiedBytes)
      throw new PatchMisfit(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.copiedBytes}, exceeding the limit ${maxCopiedBytes}`,
      );
    return structuredClone(value);
  }

  private move(items: number): void {
    this.movedItems += items;
    if (this.movedItems > maxMovedItems) throw new PatchMisfit('the patch moves too many items');
  }
}

const operations: Readonly<Record<string, (run: PatchRun, operation: PatchOperation) => void>> = {
  add: (run, { path, ...rest }) => run.add(run.find(path), copyOfValue(rest)),
  remove: (run, { path }) => run.remove(run.find(path)),
  replace: (run, { path, ...rest }) => {
    const { container, key } = present(run.find(path));
    if (Array.isArray(container)) container[indexIn(key, container.length) ?? 0] = copyOfValue(rest);
    else setKey(container, key, copyOfValue(rest));
  },
  move: (run, { path, from }) => {
    const source = present(run.find(from));
    const value = valueAt(source.container, source.key);
    run.remove(source);
    run.add(run.find(path), value);
  },
  copy: (run, { path, from }) => {
    const { container, key } = present(run.find(from));
    run.add(run.find(path), run.copyOf(valueAt(container, key)));
  },
  test: (run, { path, value = null }) => {
    const { container, key } = run.find(path);
    if (!sameJson(valueAt(container, key) ?? null, value))
      throw new PatchMisfit(`testing value ${path} failed`);
  },
};

/** Throws PatchMisfit. */
export function applyOperation(run: PatchRun, operation: PatchOperation): void {
  const apply = ownValue(operations, operation.op) as (typeof operations)[string] | undefined;
  if (apply === undefined) throw new PatchMisfit(`Unexpected kind: ${operation.op}`);
  apply(run, operation);
}

/** A patch is applied again when the object changes in the meantime, so its values are copied. */
function copyOfValue(operation: { readonly value?: unknown }): unknown {
  if (!('value' in operation)) throw new PatchMisfit('the operation has no value');
  return structuredClone(operation.value);
}

function present(place: Place): Place {
  if (valueAt(place.container, place.key) === undefined)
    throw new PatchMisfit(`doc is missing key: ${place.path}: missing value`);
  return place;
}

function valueAt(container: Container, key: string): unknown {
  if (!Array.isArray(container)) return ownValue(container, key);
  const index = indexIn(key, container.length);
  return index === undefined ? undefined : container[index];
}

/** Negative indices count from the end. */
function indexIn(key: string, length: number): number | undefined {
  if (!/^[-+]?\d{1,10}$/.test(key)) return undefined;
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  return index >= 0 && index < length ? index : undefined;
}

function refuseDeep(value: unknown): void {
  if (excessOf(value, { depth: maxDepth }) !== undefined) throw new PatchMisfit('exceeded max depth');
}

function isContainer(value: unknown): value is Container {
  return isObject(value) || Array.isArray(value);
}

function unescapeKey(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
