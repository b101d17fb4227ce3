import type { ApiObject } from '../resources/api-object.js';

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
