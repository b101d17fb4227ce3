import type { Change, Change__Output } from '../../../wire/gen/konnsim/store/v1/Change.js';
import type {
  CommitRequest,
  CommitRequest__Output,
} from '../../../wire/gen/konnsim/store/v1/CommitRequest.js';
import type { Identity, Identity__Output } from '../../../wire/gen/konnsim/store/v1/Identity.js';
import type { ApiObject } from '../../resources/api-object.js';
import { type Commit, expectedRevision } from '../commit.js';
import { identityOf, type ObjectIdentity, type Step } from '../step.js';

/** Larger messages are split where possible. */
export const messageBytes = 512 * 1024;

export function encodeObject(object: ApiObject): Buffer {
  return Buffer.from(JSON.stringify(object));
}

/** Throws for bytes that are not JSON. */
export function decodeObject(bytes: Uint8Array | undefined): ApiObject {
  return JSON.parse(Buffer.from(bytes ?? []).toString()) as ApiObject;
}

function encodeIdentity({ apiVersion, kind, metadata }: ObjectIdentity): Identity {
  return { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

function decodeIdentity(identity: Identity__Output | null | undefined): ObjectIdentity {
  const { apiVersion = '', kind = '', namespace = '', name = '' } = identity ?? {};
  return { apiVersion, kind, metadata: namespace === '' ? { name } : { name, namespace } };
}

export function encodeStep(step: Step): Change {
  const { revision } = step;
  return 'put' in step
    ? { revision, put: encodeObject(step.put) }
    : { revision, removed: encodeIdentity(step.removed) };
}

export function decodeStep({ revision, change, put, removed }: Change__Output): Step {
  return change === 'put'
    ? { revision: Number(revision), put: decodeObject(put) }
    : { revision: Number(revision), removed: decodeIdentity(removed) };
}

export function encodeCommit(commit: Commit): CommitRequest {
  const expected = expectedRevision(commit) ?? '0';
  return commit.kind === 'put'
    ? { expectedRevision: expected, put: encodeObject(commit.object), thenRemove: commit.thenRemove ?? false }
    : { expectedRevision: expected, remove: encodeIdentity(identityOf(commit.object)) };
}

/** The commit in a request. The object that it replaces is given only by its revision. */
export function decodeCommit(request: CommitRequest__Output): Commit {
  const { change, put, remove, thenRemove, expectedRevision: expected } = request;
  if (change === 'remove') return { kind: 'remove', object: atRevision(decodeIdentity(remove), expected) };
  const object = decodeObject(put);
  const over = expected === '0' ? {} : { over: atRevision(object, expected) };
  return { kind: 'put', object, thenRemove, ...over };
}

function atRevision({ apiVersion, kind, metadata }: ObjectIdentity, resourceVersion: string): ApiObject {
  const place = { ...metadata, uid: '', creationTimestamp: '', resourceVersion };
  return { apiVersion, kind, metadata: place } as ApiObject;
}
