import type { JsonObject } from '../resources/json.js';
import type { Resource } from '../resources/resource.js';
import type { User } from './exchange.js';

/** A write, or the opening of a stream, as admission sees it before it happens. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly resource: Resource;
  /** The kind of the object, when it is not that of the resource. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name: string;
  /** With defaults; absent for DELETE. */
  readonly object?: JsonObject;
  /** The stored one; absent for CREATE. */
  readonly oldObject?: JsonObject;
  readonly user: User;
  readonly dryRun: boolean;
  /** The options of the write, as `CreateOptions` and the like. */
  readonly options?: JsonObject;
  /** ID of the API request, for events. */
  readonly request: string;
  /** Aborts when the client has left or the server closes. */
  readonly signal: AbortSignal;
  /** When the time of a write is over, by the monotonic clock, ms. */
  readonly deadlineMs?: number;
}

export interface AdmissionAnswer {
  /** What to store instead. Absent: the unchanged object. */
  readonly object?: JsonObject;
  /** Sent to the client as `Warning` headers. */
  readonly warnings?: readonly string[];
  /** Called after the checks, before storing. It may still refuse, but not change. Resolves with warnings. */
  readonly review?: (object: JsonObject | undefined) => Promise<readonly string[]>;
}

/** Changes a write, or rejects with a StatusError. Called once per try, after defaults and before checks. */
export type Admission = (request: AdmissionRequest) => Promise<AdmissionAnswer>;

export const admitEverything: Admission = () => Promise.resolve({});
