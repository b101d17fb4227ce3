import { StatusError } from '../request/status.js';
import { yieldToOthers } from '../request/yield-to-others.js';
import { type JsonObject, metadataOf, sameJson } from '../resources/json.js';
import { type Fields, fieldsOf, pathText, separator } from './fields.js';
import { isSameWriter, type Manager, managersOf, setManagers, type Writer } from './managers.js';
import { mergeConfig, removePaths } from './merge-config.js';

export interface ApplyWish {
  readonly writer: Writer;
  /** Takes over fields that other managers own. */
  readonly force: boolean;
}

/**
 * Server-side apply: merges the configuration into the object, removes what the same manager applied before and no
 * longer has, and updates `managedFields`. Rejects with 409 for fields that others own with other values.
 */
export async function applyConfiguration(
  live: JsonObject,
  config: JsonObject,
  wish: ApplyWish,
): Promise<JsonObject> {
  const wanted = fieldsOf(config);
  await yieldToOthers();
  const managers = managersOf(live);
  const own = managers.find((each) => isSameWriter(each, wish.writer));
  const others = managers.filter((each) => each !== own);
  await yieldToOthers();
  const conflicts = findConflicts(others, wanted, fieldsOf(live));
  if (conflicts.length > 0 && !wish.force) throw applyConflict(conflicts);
  await yieldToOthers();
  const merged = mergeConfig(String(live['kind']), live, withoutManagers(config));
  await yieldToOthers();
  const taken = new Set(conflicts.flatMap(({ paths }) => paths));
  const rest = others.map((each) => ({
    ...each,
    paths: new Set([...each.paths].filter((path) => !taken.has(path))),
  }));
  prune(
    merged,
    [...(own?.paths ?? [])].filter((path) => !wanted.has(path)),
    rest,
  );
  const { manager, operation, subresource } = wish.writer;
  const entry: Manager = {
    manager,
    operation,
    apiVersion: String(config['apiVersion']),
    paths: new Set(wanted.keys()),
    ...(subresource === undefined ? {} : { subresource }),
    ...(own?.time === undefined || !sameOwned(own, wanted) ? {} : { time: own.time }),
  };
  await yieldToOthers();
  setManagers(merged, [...rest, entry]);
  return merged;
}

function sameOwned(own: Manager, wanted: Fields): boolean {
  return own.paths.size === wanted.size && [...wanted.keys()].every((path) => own.paths.has(path));
}

function withoutManagers(config: JsonObject): JsonObject {
  const { managedFields: _managers, ...metadata } = metadataOf(config);
  return { ...config, metadata };
}

interface Conflict {
  readonly manager: Manager;
  readonly paths: readonly string[];
}

/** Fields of others that would get another value. */
function findConflicts(others: readonly Manager[], wanted: Fields, live: Fields): readonly Conflict[] {
  return others
    .map((manager) => ({
      manager,
      paths: [...manager.paths].filter(
        (path) => wanted.has(path) && live.has(path) && !sameJson(wanted.get(path), live.get(path)),
      ),
    }))
    .filter(({ paths }) => paths.length > 0);
}

/** Removes what the manager no longer applies, unless others own it or something in it. */
function prune(merged: JsonObject, paths: readonly string[], others: readonly Manager[]): void {
  if (paths.length === 0) return;
  const kept = new Set(others.flatMap((each) => [...each.paths].flatMap(withParents)));
  removePaths(
    merged,
    paths.filter((path) => !kept.has(path)),
  );
}

function withParents(path: string): readonly string[] {
  const parents = [path];
  for (let end = path.lastIndexOf(separator); end > 0; end = path.lastIndexOf(separator, end - 1))
    parents.push(path.slice(0, end));
  return parents;
}

function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const count = conflicts.reduce((sum, { paths }) => sum + paths.length, 0);
  const causes = conflicts.flatMap(({ manager, paths }) =>
    paths.map((path) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${managerText(manager)}`,
      field: pathText(path),
    })),
  );
  const message = `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${conflictsText(conflicts)}`;
  return new StatusError(409, message, { reason: 'Conflict', details: { causes } });
}

function conflictsText(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (only !== undefined && conflicts.length === 1 && only.paths.length === 1)
    return `conflict with ${managerText(only.manager)}: ${only.paths.map(pathText).join('')}`;
  return conflicts
    .map(({ manager, paths }) =>
      [`conflicts with ${managerText(manager)}:`, ...paths.map((path) => `- ${pathText(path)}`)].join('\n'),
    )
    .join('\n');
}

/** `"kubectl" using apps/v1`. */
function managerText({ manager, subresource, operation, apiVersion }: Manager): string {
  const part = subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return JSON.stringify(manager) + part + (operation === 'Update' ? ` using ${apiVersion}` : '');
}
