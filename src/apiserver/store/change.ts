import type { ApiObject } from '../resources/api-object.js';

/** One change of one object, as the watch history keeps it. */
export interface Change {
  /** The store's counter after the change; the `resourceVersion` of `object`. */
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The state after the change; for DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  /** The state before; absent for ADDED. Selectors need it to tell what entered or left a selection. */
  readonly previous?: ApiObject;
}
