import type { IncomingMessage } from 'node:http';
import { mediaTypeOf, unsupportedMediaType } from '../http/request-body.js';
import { parseBoundedJson, parseYaml } from '../request/parse.js';
import { badRequest, StatusError } from '../request/status.js';
import { yieldToOthers } from '../request/yield-to-others.js';
import { isObject, type JsonObject, textOf } from '../resources/json.js';
import { type Conformed, conform, TypeMismatch } from '../schema/conform.js';
import { decodeKubernetesProtobuf } from '../schema/kubernetes-protobuf.js';

const acceptedTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** The kind that a request is for, for error texts and for fields that the body leaves out. */
export interface ExpectedKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** What to do with unknown fields. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** By its Content-Type; other work gets a turn before the next step. Rejects with 400, 413 and 415. */
export async function decodeBody(request: IncomingMessage, body: Buffer): Promise<JsonObject> {
  await yieldToOthers();
  const object = await decoded(request, body);
  await yieldToOthers();
  return object;
}

function decoded(request: IncomingMessage, body: Buffer): JsonObject | Promise<JsonObject> {
  switch (mediaTypeOf(request)) {
    case '':
    case 'application/json':
      return decodeJson(body);
    case 'application/yaml':
    case 'text/yaml':
      return decodeYaml(body);
    case 'application/vnd.kubernetes.protobuf':
      return decodeProtobuf(body);
    default:
      throw unsupportedMediaType(acceptedTypes);
  }
}

function decodeJson(body: Buffer): JsonObject {
  try {
    return objectOnly(parseBoundedJson(body.toString()));
  } catch (caught) {
    throw unreadable(caught, "couldn't get version/kind; json parse error: ");
  }
}

/** YAML, which includes JSON. Rejects with 400 and 413. */
export async function decodeYaml(body: Buffer): Promise<JsonObject> {
  try {
    return objectOnly(await parseYaml(body.toString()));
  } catch (caught) {
    throw unreadable(caught, 'error decoding YAML: ');
  }
}

function decodeProtobuf(body: Buffer): JsonObject {
  try {
    return decodeKubernetesProtobuf(body);
  } catch (caught) {
    throw unreadable(caught);
  }
}

function objectOnly(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw new TypeError(`cannot unmarshal ${value === null ? 'null' : typeof value} into an object`);
}

/** 400, unless the error has another status. */
export function unreadable(caught: unknown, prefix = ''): StatusError {
  if (caught instanceof StatusError) return caught;
  return badRequest(prefix + (caught instanceof Error ? caught.message : textOf(caught)));
}

/** The body as one of the kind, or 400. Unknown fields are refused, reported to `warn`, or dropped. */
export function asKind(
  raw: JsonObject,
  expected: ExpectedKind,
  { fieldValidation, warn }: { fieldValidation: FieldValidation; warn: (text: string) => void },
): JsonObject {
  const { apiVersion, kind } = expected;
  const given = { apiVersion: raw['apiVersion'] || apiVersion, kind: raw['kind'] || kind };
  const version = textOf(given.apiVersion).split('/').at(-1);
  const prefix = `${textOf(given.kind)} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`;
  if (given.kind !== kind) throw badRequest(`${prefix}: no conversion is known`);
  if (given.apiVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${textOf(given.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  const { object, unknownFields } = conformed(kind, raw, prefix);
  const unknown = unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (fieldValidation === 'Strict' && unknown.length > 0)
    throw badRequest(`${prefix}: strict decoding error: ${unknown.join(', ')}`);
  if (fieldValidation === 'Warn') for (const text of unknown) warn(text);
  return { ...object, apiVersion, kind };
}

function conformed(kind: string, raw: JsonObject, prefix: string): Conformed {
  try {
    return conform(kind, raw);
  } catch (caught) {
    if (caught instanceof TypeMismatch) throw badRequest(`${prefix}: ${caught.message}`);
    throw caught;
  }
}
