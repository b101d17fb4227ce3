import { tooManyValues } from '../request/parse.js';
import { StatusError } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import { excessOf, maxValues } from '../resources/json-limits.js';

/** Done only if the object is still in the state that the writer has read, so no other write is lost. */
export type Commit =
  | {
      readonly kind: 'put';
      readonly object: ApiObject;
      /** The object that it replaces, at exactly that revision. Absent: the object must not exist yet. */
      readonly over?: ApiObject;
      /** The object is removed in the same step, after it was stored: watches see both. */
      readonly thenRemove?: boolean;
    }
  | {
      readonly kind: 'remove';
      /** At exactly that revision. */
      readonly object: ApiObject;
    };

/** The revision that an object must have, as its `resourceVersion`; undefined when it must not exist. */
export function expectedRevision(commit: Commit): string | undefined {
  return (commit.kind === 'put' ? commit.over : commit.object)?.metadata.resourceVersion;
}

/** etcd's own `--max-request-bytes`. It counts protobuf, about as long as the keys and texts of JSON. */
const maxBytes = 1.5 * 1024 * 1024;

/** Throws etcd's error for an object that is too large, and 413 for one with too many values. */
export function refuseTooLarge(commit: Commit): void {
  if (commit.kind === 'remove') return;
  const excess = excessOf(commit.object, { bytes: maxBytes, values: maxValues });
  if (excess === 'bytes') throw new StatusError(500, 'etcdserver: request is too large');
  if (excess === 'values') throw tooManyValues();
}
