import { yieldToOthers } from '../request/yield-to-others.js';
import { type JsonObject, metadataOf, sameJson } from '../resources/json.js';
import { type Fields, fieldsOf, separator } from './fields.js';
import { isSameWriter, type Manager, managersOf, setManagers, type Writer } from './managers.js';

/** The manager, and the time of the write (RFC 3339). */
export interface WriteRecord extends Writer {
  readonly timestamp: string;
}

/** The writer owns what it changed, and others lose it. For an apply, the owners were decided before. */
export async function recordManager(
  next: JsonObject,
  old: JsonObject | undefined,
  record: WriteRecord,
): Promise<void> {
  const fields = fieldsOf(next);
  await yieldToOthers();
  const before = baseManagers(next, old);
  await yieldToOthers();
  if (record.operation === 'Apply') {
    setManagers(
      next,
      stamped(
        before.map((each) => without(each, (path) => !fields.has(path))),
        before,
        record,
      ),
    );
    return;
  }
  const changed = changedPaths(fields, old === undefined ? new Map() : fieldsOf(old), record);
  const gone = (path: string): boolean => !fields.has(path);
  const managers = before.map((each) =>
    without(each, (path) => gone(path) || (!isSameWriter(each, record) && changed.has(path))),
  );
  await yieldToOthers();
  setManagers(next, stamped(withOwn(managers, changed, { next, record }), before, record));
}

/** The managers of the old state, unless the writer set others; an empty entry removes all of them. */
function baseManagers(next: JsonObject, old: JsonObject | undefined): readonly Manager[] {
  const wanted = metadataOf(next)['managedFields'];
  if (old === undefined || Array.isArray(wanted)) return managersOf(next);
  return managersOf(old);
}

/** Only a write of the status changes the status's owners. */
function changedPaths(next: Fields, old: Fields, { subresource }: WriteRecord): ReadonlySet<string> {
  const status = 'f:status';
  const changed = new Set<string>();
  for (const [path, value] of next) {
    const isStatus = path === status || path.startsWith(status + separator);
    if (isStatus && subresource !== 'status') continue;
    if (!old.has(path) || !sameJson(old.get(path), value)) changed.add(path);
  }
  return changed;
}

function without(manager: Manager, drop: (path: string) => boolean): Manager {
  return { ...manager, paths: new Set([...manager.paths].filter((path) => !drop(path))) };
}

function withOwn(
  managers: readonly Manager[],
  changed: ReadonlySet<string>,
  { next, record }: { next: JsonObject; record: WriteRecord },
): readonly Manager[] {
  if (changed.size === 0) return managers;
  const apiVersion = String(next['apiVersion']);
  const own = managers.find((each) => isSameWriter(each, record));
  if (own !== undefined)
    return managers.map((each) =>
      each === own ? { ...own, apiVersion, paths: new Set([...own.paths, ...changed]) } : each,
    );
  const { manager, operation, subresource } = record;
  const base = { manager, operation, apiVersion, paths: changed };
  return [...managers, subresource === undefined ? base : { ...base, subresource }];
}

/** The writer's entry has the time of its last change. */
function stamped(
  managers: readonly Manager[],
  before: readonly Manager[],
  record: WriteRecord,
): readonly Manager[] {
  return managers.map((each) => {
    if (!isSameWriter(each, record)) return each;
    const old = before.find((candidate) => isSameWriter(candidate, record));
    const same = old?.time !== undefined && sameSet(old.paths, each.paths);
    return { ...each, time: same ? old.time : record.timestamp };
  });
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((each) => b.has(each));
}
