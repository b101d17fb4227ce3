import type { User } from '../http/exchange.js';
import type { JsonObject } from '../resources/json.js';
import type { Resource } from '../resources/resource.js';

/** A write that is about to happen, as admission sees it. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: Resource;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name: string;
  /** With defaults; absent for DELETE. */
  readonly object?: JsonObject;
  /** The stored one; absent for CREATE. */
  readonly oldObject?: JsonObject;
  readonly user: User;
  readonly dryRun: boolean;
  /** ID of the API request, for events. */
  readonly request: string;
}

export interface AdmissionAnswer {
  /** What to store instead; absent: the object as it is. */
  readonly object?: JsonObject;
  /** Told to the client as `Warning` headers. */
  readonly warnings?: readonly string[];
}

/** Changes or refuses a write. Rejects with a StatusError to refuse. Called once per try, after defaults, before checks. */
export type Admission = (request: AdmissionRequest) => Promise<AdmissionAnswer>;

export const admitEverything: Admission = () => Promise.resolve({});
