import { lengthOfUint32, writeUint32 } from '../../wire/codec/varint.js';
import { isObject, type JsonObject } from '../resources/json.js';

/** Older clients accept OpenAPI v2 only in this form. */
export const openApiV2ProtobufType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** The same type in the form that Go's parser accepts: without the `@`. */
export const openApiV2ProtobufAnswer = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * An OpenAPI v2 document as protobuf: Document {1 swagger, 2 info {1 title, 2 version}, 8 paths, 9 definitions {1 named
 * schemas {1 name, 2 schema}}}.
 */
export function encodeOpenApiV2(document: JsonObject): Buffer {
  const info = asObject(document['info']);
  return Buffer.concat([
    text(1, document['swagger']),
    part(2, Buffer.concat([text(1, info['title']), text(2, info['version'])])),
    part(8, paths(asObject(document['paths']))),
    part(9, namedSchemas(asObject(document['definitions']))),
  ]);
}

function namedSchemas(schemas: JsonObject): Buffer {
  return Buffer.concat(
    Object.entries(schemas).map(([name, schema]) =>
      part(1, Buffer.concat([text(1, name), part(2, encodeSchema(asObject(schema)))])),
    ),
  );
}

/** Paths {2 named items {1 name, 2 PathItem {8 patch}}}. */
function paths(items: JsonObject): Buffer {
  return Buffer.concat(
    Object.entries(items).map(([name, item]) =>
      part(2, Buffer.concat([text(1, name), part(2, part(8, operation(asObject(asObject(item)['patch']))))])),
    ),
  );
}

/**
 * Operation {8 parameters {1 Parameter {2 not in the body {3 in the query {2 in, 4 name, 6 type}}}}, 13 extensions}.
 * Responses are left out.
 */
function operation(fields: JsonObject): Buffer {
  const { parameters } = fields;
  const encoded = (Array.isArray(parameters) ? parameters : []).map((each) => {
    const { in: place, name, type } = asObject(each);
    const query = Buffer.concat([text(2, place), text(4, name), text(6, type)]);
    return part(8, part(1, part(2, part(3, query))));
  });
  for (const [name, value] of Object.entries(fields))
    if (name.startsWith('x-')) encoded.push(part(13, extension(name, value)));
  return Buffer.concat(encoded);
}

/** Schema {1 $ref, 2 format, 4 description, 21 additionalProperties, 22 type, 23 items, 25 properties, 31 extensions}. */
function encodeSchema(schema: JsonObject): Buffer {
  const { $ref, format, description, additionalProperties, type, items, properties } = schema;
  const fields = [text(1, $ref), text(2, format), text(4, description)];
  if (isObject(additionalProperties)) fields.push(part(21, part(1, encodeSchema(additionalProperties))));
  if (type !== undefined) fields.push(part(22, text(1, type)));
  if (isObject(items)) fields.push(part(23, part(1, encodeSchema(items))));
  if (isObject(properties)) fields.push(part(25, namedSchemas(properties)));
  for (const [name, value] of Object.entries(schema))
    if (name.startsWith('x-')) fields.push(part(31, extension(name, value)));
  return Buffer.concat(fields);
}

/** NamedAny {1 name, 2 Any {2 YAML}}; JSON is YAML. */
function extension(name: string, value: unknown): Buffer {
  return Buffer.concat([text(1, name), part(2, text(2, JSON.stringify(value)))]);
}

function text(field: number, value: unknown): Buffer {
  return typeof value === 'string' ? part(field, Buffer.from(value)) : Buffer.alloc(0);
}

/** A length-delimited field. */
function part(field: number, content: Buffer): Buffer {
  const tag = (field << 3) | 2;
  const head = Buffer.alloc(lengthOfUint32(tag) + lengthOfUint32(content.length));
  writeUint32(head, writeUint32(head, 0, tag), content.length);
  return Buffer.concat([head, content]);
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
