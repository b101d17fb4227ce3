import type { Resource } from '../resources/resource.js';
import { StatusError } from './status.js';

/** The error of one field, in the words of Kubernetes' field errors. */
export interface FieldError {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound';
  /** For example `spec.containers[0].name`. */
  readonly field: string;
  readonly message: string;
}

export function required(field: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: withDetail(`Invalid value: ${shown(value)}`, detail),
  };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const values = supported.map((each) => JSON.stringify(each)).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${shown(value)}: supported values: ${values}`,
  };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` };
}

export function notFoundValue(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${shown(value)}` };
}

export function tooLong(field: string, detail: string): FieldError {
  return { reason: 'FieldValueTooLong', field, message: `Too long: ${detail}` };
}

export function tooMany(field: string, actual: number, most: number): FieldError {
  const message = `Too many: ${actual}: must have at most ${most} items`;
  return { reason: 'FieldValueTooMany', field, message };
}

/** The answer lists so many errors of one object and counts the rest. kube-apiserver lists all of them. */
const maxErrors = 100;

/** 422: `Pod "x" is invalid: spec.containers: Required value`. */
export function invalidObject(
  { kind, group }: Pick<Resource, 'kind' | 'group'>,
  name: string,
  all: readonly FieldError[],
): StatusError {
  const errors = all.slice(0, maxErrors);
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  if (all.length > maxErrors) texts.push(`and ${all.length - maxErrors} more`);
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const qualifiedKind = group === '' ? kind : `${kind}.${group}`;
  return new StatusError(422, `${qualifiedKind} ${JSON.stringify(name)} is invalid: ${text}`, {
    reason: 'Invalid',
    details: {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      kind,
      causes: errors.map(({ reason, field, message }) => ({ reason, message, field })),
    },
  });
}

function withDetail(text: string, detail: string): string {
  return detail === '' ? text : `${text}: ${detail}`;
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
