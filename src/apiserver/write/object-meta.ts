import type { Random } from '../../core/random.js';
import { type FieldError, forbiddenField, invalidValue, required } from '../request/invalid.js';
import { type JsonObject, metadataOf, sameJson, textOf } from '../resources/json.js';
import { generateName, randomUid } from '../resources/random-names.js';
import { annotationErrors, labelErrors, type NameForm, nameProblems } from '../strategies/names.js';

const setByServer = ['selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'resourceVersion'];

/** Sets what only the server may set in a new object. */
export function stampNew(
  object: JsonObject,
  { random, timestamp }: { random: Random; timestamp: string },
): void {
  const metadata = metadataOf(object);
  for (const key of setByServer) delete metadata[key];
  const prefix = metadata['generateName'];
  if (!metadata['name'] && typeof prefix === 'string' && prefix !== '')
    metadata['name'] = generateName(prefix, random);
  metadata['uid'] = randomUid(random);
  metadata['creationTimestamp'] = timestamp;
}

const kept = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'generateName',
];

/** Restores what no update may change. */
export function keepIdentity(next: JsonObject, old: JsonObject): void {
  const metadata = metadataOf(next);
  const before = metadataOf(old);
  for (const key of [...kept, 'selfLink']) {
    if (before[key] === undefined) delete metadata[key];
    else metadata[key] = before[key];
  }
}

/** Checks name, namespace, labels, annotations and finalizers. */
export function metadataErrors(
  object: JsonObject,
  { namespaced, nameForm = 'subdomain' }: { namespaced: boolean; nameForm?: NameForm | undefined },
): readonly FieldError[] {
  const metadata = metadataOf(object);
  const name = textOf(metadata['name']);
  const namespace = textOf(metadata['namespace']);
  return [
    ...(name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : nameProblems(name, nameForm).map((text) => invalidValue('metadata.name', name, text))),
    ...(namespaced && namespace === '' ? [required('metadata.namespace')] : []),
    ...(namespaced ? nameProblems(namespace, 'label') : []).map((text) =>
      invalidValue('metadata.namespace', namespace, text),
    ),
    ...labelErrors(metadata['labels'], 'metadata.labels'),
    ...annotationErrors(metadata['annotations'], 'metadata.annotations'),
  ];
}

/** An object that is being deleted accepts no new finalizers. */
export function finalizerErrors(next: JsonObject, old: JsonObject): readonly FieldError[] {
  if (metadataOf(old)['deletionTimestamp'] === undefined) return [];
  const before = finalizersOf(old);
  const added = finalizersOf(next).filter((each) => !before.includes(each));
  if (added.length === 0) return [];
  const list = added.map((each) => JSON.stringify(each)).join(', ');
  return [
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    ),
  ];
}

export function finalizersOf(object: JsonObject): readonly string[] {
  const list = metadataOf(object)['finalizers'];
  return Array.isArray(list) ? list.map(String) : [];
}

/** Whether anything other than metadata and status differs. */
export function specDiffers(next: JsonObject, old: JsonObject): boolean {
  const bare = ({ metadata: _metadata, status: _status, ...rest }: JsonObject): JsonObject => rest;
  return !sameJson(bare(next), bare(old));
}
