import { at } from '../resources/api-object.js';
import { isObject } from '../resources/json.js';
import { CallFailure } from './failures.js';

/** The fields of an AdmissionReview that we read: path, Go type that contains the field, type of the field. */
const fields: readonly (readonly [path: string, owner: string, type: keyof typeof fits])[] = [
  ['response', 'AdmissionReview', 'v1.AdmissionResponse'],
  ['response.uid', 'AdmissionResponse', 'types.UID'],
  ['response.allowed', 'AdmissionResponse', 'bool'],
  ['response.patch', 'AdmissionResponse', '[]uint8'],
  ['response.patchType', 'AdmissionResponse', 'v1.PatchType'],
  ['response.warnings', 'AdmissionResponse', '[]string'],
  ['response.status', 'AdmissionResponse', 'v1.Status'],
  ['response.status.code', 'Status', 'int32'],
  ['response.status.message', 'Status', 'string'],
  ['response.status.reason', 'Status', 'v1.StatusReason'],
  ['response.status.details', 'Status', 'v1.StatusDetails'],
  ['response.status.details.retryAfterSeconds', 'StatusDetails', 'int32'],
];

const isText = (value: unknown): boolean => typeof value === 'string';
const fits = {
  bool: (value: unknown): boolean => typeof value === 'boolean',
  int32: (value: unknown): boolean => Number.isInteger(value) && value === Number(value) << 0,
  string: isText,
  '[]string': (value: unknown): boolean =>
    Array.isArray(value) && value.every((each) => each === null || isText(each)),
  '[]uint8': isText,
  'types.UID': isText,
  'v1.AdmissionResponse': isObject,
  'v1.PatchType': isText,
  'v1.Status': isObject,
  'v1.StatusDetails': isObject,
  'v1.StatusReason': isText,
} as const;

/** Throws a CallFailure, in the words of Go's decoder, for an AdmissionReview with a value of the wrong type. */
export function checkReviewTypes(review: unknown): void {
  for (const [path, owner, type] of fields) {
    const value = at(review, path);
    if (value === undefined || value === null || fits[type](value)) continue;
    const field = `Go struct field ${owner}.${path} of type ${type}`;
    throw new CallFailure(`failed to call webhook: json: cannot unmarshal ${jsonType(value)} into ${field}`);
  }
  const patch = at(review, 'response.patch');
  if (typeof patch === 'string') checkBase64(patch.replace(/[\r\n]/g, ''));
}

function checkBase64(text: string): void {
  const good = /^[A-Za-z0-9+/]*={0,2}/.exec(text)?.[0].length ?? 0;
  if (good < text.length || text.length % 4 !== 0)
    throw new CallFailure(`failed to call webhook: illegal base64 data at input byte ${good}`);
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
