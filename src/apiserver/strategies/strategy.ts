import type { FieldError } from '../request/invalid.js';
import type { JsonObject } from '../resources/json.js';
import type { ObjectStore } from '../store/object-store.js';
import type { NameForm } from './names.js';

export interface StrategyContext {
  readonly store: ObjectStore;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** How writes of one kind differ from others. Everything is optional. Objects are changed in place. */
export interface Strategy {
  /** Default `subdomain`. */
  readonly nameForm?: NameForm;
  /** `metadata.generation` counts changes outside of status and metadata. */
  readonly countsGenerations?: boolean;
  /** Only the `status` subresource changes `status`. */
  readonly hasStatus?: boolean;
  /** A created object may include its status. */
  readonly keepsFirstStatus?: boolean;
  /** PUT creates a missing object. */
  readonly createsOnUpdate?: boolean;
  /** PUT must name the `resourceVersion` that it replaces. */
  readonly needsRevision?: boolean;
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeleted?: boolean;
  /** Fills in what users left out, before each create and update. */
  readonly defaults?: (object: JsonObject) => void;
  /** Sets up a new object; may throw a StatusError. */
  readonly prepareCreate?: (object: JsonObject, context: StrategyContext) => void;
  /** Keeps what users cannot change. */
  readonly prepareUpdate?: (next: JsonObject, old: JsonObject) => void;
  /** Subresources other than `status` that are written like the object: restores what they may not change. */
  readonly parts?: Readonly<Record<string, (next: JsonObject, old: JsonObject) => void>>;
  readonly validate?: (object: JsonObject, context: StrategyContext) => readonly FieldError[];
  readonly validateUpdate?: (next: JsonObject, old: JsonObject, subresource: string) => readonly FieldError[];
  /** Seconds between the deletion and the removal; `asked` is the client's wish. Default 0. */
  readonly graceSeconds?: (object: JsonObject, asked: number | undefined) => number;
  /** Whether something other than finalizers and grace period keeps a deleted object. */
  readonly isHeld?: (object: JsonObject) => boolean;
  /** Called when the object was marked as deleted. */
  readonly marked?: (object: JsonObject) => void;
}
