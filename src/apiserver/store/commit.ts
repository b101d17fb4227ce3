import { tooManyValues } from '../request/parse.js';
import { StatusError } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import { excessOf, maxValues } from '../resources/extent.js';

/** A write that is done only if the object is as its writer has seen it: whoever else wrote meanwhile loses nothing. */
export type Commit =
  | {
      readonly kind: 'put';
      readonly object: ApiObject;
      /** What it replaces, in that very revision. Absent: there is no such object yet. */
      readonly over?: ApiObject;
      /** It goes in the same step, after it was stored: watches see both. */
      readonly thenRemove?: boolean;
    }
  | {
      readonly kind: 'remove';
      /** In that very revision. */
      readonly object: ApiObject;
    };

/** The revision that an object must have, as its `resourceVersion`; undefined when there must be none. */
export function expectedRevision(commit: Commit): string | undefined {
  return (commit.kind === 'put' ? commit.over : commit.object)?.metadata.resourceVersion;
}

/** etcd's own `--max-request-bytes`. etcd counts protobuf, which is about as long as the keys and texts of JSON together. */
const maxBytes = 1.5 * 1024 * 1024;

/** Throws what etcd says of an object that is too large, and 413 for one of more values than a write may have. */
export function refuseTooLarge(commit: Commit): void {
  if (commit.kind === 'remove') return;
  const excess = excessOf(commit.object, { bytes: maxBytes, values: maxValues });
  if (excess === 'bytes') throw new StatusError(500, 'etcdserver: request is too large');
  if (excess === 'values') throw tooManyValues();
}
