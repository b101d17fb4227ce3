import type { ApiObject } from '../resources/api-object.js';

/** One change of one object, as in the watch history. */
export interface Change {
  /** The store's counter after the change; the `resourceVersion` of `object`. */
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The state after the change; for DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  /** The state before; absent for ADDED. Selectors need it to see what entered or left a selection. */
  readonly previous?: ApiObject;
}
