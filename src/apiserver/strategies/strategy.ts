import type { FieldError } from '../request/invalid.js';
import type { JsonObject } from '../resources/json.js';
import type { ObjectStore } from '../store/object-store.js';
import type { NameForm } from './names.js';

/** What a strategy may look at. */
export interface StrategyContext {
  readonly store: ObjectStore;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** How writes of one kind differ from those of others. Everything may be left out. Objects are changed in place. */
export interface Strategy {
  /** Default `subdomain`. */
  readonly nameForm?: NameForm;
  /** `metadata.generation` counts changes of what is not status and not metadata. */
  readonly countsGenerations?: boolean;
  /** Only the `status` subresource changes `status`. */
  readonly hasStatus?: boolean;
  /** What is created may bring its status along. */
  readonly keepsFirstStatus?: boolean;
  /** PUT creates what is not there. */
  readonly createsOnUpdate?: boolean;
  /** PUT must name the `resourceVersion` that it replaces. */
  readonly needsRevision?: boolean;
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeleted?: boolean;
  /** Fills in what users leave out, before each create and update. */
  readonly defaults?: (object: JsonObject) => void;
  /** Sets up a new object; may throw a StatusError. */
  readonly prepareCreate?: (object: JsonObject, context: StrategyContext) => void;
  /** Carries over what users cannot change. */
  readonly prepareUpdate?: (next: JsonObject, old: JsonObject) => void;
  /** Subresources beside `status` that are written like the object: puts back what they may not change. */
  readonly parts?: Readonly<Record<string, (next: JsonObject, old: JsonObject) => void>>;
  readonly validate?: (object: JsonObject, context: StrategyContext) => readonly FieldError[];
  readonly validateUpdate?: (next: JsonObject, old: JsonObject, subresource: string) => readonly FieldError[];
  /** Seconds between the deletion and the end; `asked` are those that the client wants. Default 0. */
  readonly graceSeconds?: (object: JsonObject, asked: number | undefined) => number;
  /** Whether something other than finalizers and grace keeps a deleted object. */
  readonly isHeld?: (object: JsonObject) => boolean;
  /** The object has been marked as going. */
  readonly marked?: (object: JsonObject) => void;
}
