import { dump } from 'js-yaml';
import type { JsonObject } from '../../src/apiserver/resources/json.js';
import { setKey } from '../../src/apiserver/resources/json.js';
import {
  type Field,
  findMessage,
  type Message,
  messageOfField,
} from '../../src/apiserver/schema/message-table.js';
import type { Random } from '../../src/core/random.js';
import { mutate, randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';

/** A request with a body. */
export interface Bodied {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

const kinds = [
  ['/api/v1/namespaces/default/configmaps', 'v1', 'ConfigMap', { data: { a: 'b' } }],
  ['/api/v1/namespaces/default/secrets', 'v1', 'Secret', { data: { a: 'Yg==' }, stringData: { c: 'd' } }],
  [
    '/api/v1/namespaces/default/pods',
    'v1',
    'Pod',
    { spec: { containers: [{ name: 'a', image: 'b', env: [{ name: 'x', value: 'y' }] }] } },
  ],
  [
    '/api/v1/namespaces/default/services',
    'v1',
    'Service',
    { spec: { ports: [{ port: 80 }], selector: { a: 'b' } } },
  ],
  ['/api/v1/namespaces/default/serviceaccounts', 'v1', 'ServiceAccount', { secrets: [{ name: 'a' }] }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    'apps/v1',
    'Deployment',
    {
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
      },
    },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
    'rbac.authorization.k8s.io/v1',
    'Role',
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  ],
  [
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    'authorization.k8s.io/v1',
    'SelfSubjectAccessReview',
    { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
  ],
] as const;

const names = ['n0', 'n1', 'n2', 'n3'];
const oddKeys = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '.', 'a', 'b', '0', 'a/b~c'],
  ...[
    'metadata',
    'name',
    'labels',
    'annotations',
    'finalizers',
    'ownerReferences',
    'managedFields',
    'fieldsV1',
  ],
  ...[
    'manager',
    'operation',
    'apiVersion',
    'data',
    'spec',
    'containers',
    'env',
    'ports',
    'secrets',
    'status',
  ],
  ...['f:metadata', 'f:data', 'k:{"name":"a"}', 'k:x', 'v:"a"', 'v:', '$patch', '$retainKeys'],
  ...['$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers', '<<', 'resourceVersion', 'uid'],
];
const oddValues: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    2 ** 31,
    '',
    'a',
    '0',
    'Apply',
    'Update',
    'v1',
    'me',
    'delete',
  ],
  ...[
    'replace',
    'merge',
    'null',
    '\0',
    'x\ny',
    'ß漢🦀',
    '\ud800',
    'a'.repeat(300),
    '10Mi',
    '2024-05-01T10:00:00Z',
  ],
];

function oddValue(random: Random, depth = 4): unknown {
  if (depth === 0 || oneIn(random, 2)) return pick(random, oddValues);
  const count = random.below(4);
  if (oneIn(random, 2)) return Array.from({ length: count }, () => oddValue(random, depth - 1));
  const result: JsonObject = {};
  for (let index = 0; index < count; index += 1)
    setKey(result, pick(random, oddKeys), oddValue(random, depth - 1));
  return result;
}

/** A copy with some values changed and some keys more. */
function changed(random: Random, value: unknown): unknown {
  if (oneIn(random, 60)) return oddValue(random);
  if (Array.isArray(value)) {
    const items = value.map((item) => changed(random, item));
    return oneIn(random, 8) ? [...items, ...items] : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const result: JsonObject = {};
  for (const [key, each] of Object.entries(value)) setKey(result, key, changed(random, each));
  if (oneIn(random, 15)) setKey(result, pick(random, oddKeys), oddValue(random));
  return result;
}

/** Text of YAML with anchors, aliases, merge keys, tags and documents in it. */
function yamlOf(random: Random, value: unknown): string {
  const text = dump(value, { skipInvalid: true, flowLevel: random.below(6) - 1 });
  const extra = [
    '&a ',
    '*a',
    '<<: *a\n',
    '? ',
    '- ',
    '!!str ',
    '!x ',
    '---\n',
    '...\n',
    '|\n',
    '>-\n',
    '# ',
    '{',
    ']',
    '%YAML 1.2\n',
  ];
  if (oneIn(random, 2)) return text;
  const at = random.below(text.length + 1);
  return text.slice(0, at) + pick(random, extra) + text.slice(at);
}

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
};
const lengthed = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);

/** A message on the wire with fields that its type has. */
function protobufOf(random: Random, message: Message, depth = 5): Buffer {
  const entries = [...message.byNumber];
  const count = depth === 0 ? 0 : random.below(4);
  return Buffer.concat(
    Array.from({ length: count }, () => {
      const [number, field] = pick(random, entries);
      const inner = 'embedded' in field ? findMessage(field.embedded) : messageOfField(field);
      if (inner === undefined) return scalarOf(random, number, field as Field);
      const bytes = protobufOf(random, inner, depth - 1);
      const isMap = 'shape' in field && field.shape === 'map';
      return lengthed(
        number,
        isMap ? Buffer.concat([lengthed(1, oddKey(random)), lengthed(2, bytes)]) : bytes,
      );
    }),
  );
}

const oddKey = (random: Random): Buffer => Buffer.from(pick(random, oddKeys));

function scalarOf(random: Random, number: number, { shape }: Field): Buffer {
  if (shape === 'map')
    return lengthed(number, Buffer.concat([lengthed(1, oddKey(random)), lengthed(2, oddKey(random))]));
  if (oneIn(random, 3)) return Buffer.concat([varint(number * 8), varint(random.below(2 ** 32))]);
  return lengthed(
    number,
    oneIn(random, 2) ? oddKey(random) : lengthed(1 + random.below(3), randomBytes(random, random.below(10))),
  );
}

function pointer(random: Random): string {
  const known = [
    '/metadata/labels',
    '/metadata',
    '/data',
    '/spec',
    '/spec/containers',
    '/spec/containers/0',
    '',
  ];
  const more = Array.from({ length: random.below(3) }, () =>
    pick(random, [...oddKeys, '-', '-1', '1', '99999999999']),
  );
  return `${pick(random, known)}${more.map((each) => `/${each.replaceAll('/', '~1')}`).join('')}`;
}

function jsonPatchOf(random: Random): unknown {
  const operation = (): unknown => ({
    op: pick(random, ['add', 'remove', 'replace', 'move', 'copy', 'test', 'constructor']),
    path: pointer(random),
    ...(oneIn(random, 8) ? {} : { from: pointer(random), value: oddValue(random) }),
  });
  if (oneIn(random, 20))
    return Array.from({ length: 29 }, (_, index) => ({
      op: 'copy',
      from: '/metadata',
      path: `/metadata/x${index}`,
    }));
  return Array.from({ length: random.below(6) }, operation);
}

/** Who owns what, as a client may claim it. */
function managersOf(random: Random): unknown {
  const fields = (depth: number): JsonObject => {
    const result: JsonObject = {};
    for (let count = depth === 0 ? 0 : random.below(4); count > 0; count -= 1)
      setKey(result, pick(random, oddKeys), fields(depth - 1));
    return result;
  };
  const entry = { operation: pick(random, ['Apply', 'Update']), apiVersion: 'v1', fieldsType: 'FieldsV1' };
  return [{ ...entry, manager: pick(random, ['me', 'you']), fieldsV1: fields(4) }];
}

/** Many short values: as many as are taken, more, or as many as a body may have bytes for. */
function longBody(random: Random): Bodied {
  const [path] = pick(random, kinds);
  const item = pick(random, ['{}', '[]', '""', '0', '{"a":0}', '[[[]]]', 'null']);
  const count = pick(random, [20_000, 49_000, 60_000, 3_000_000 / (item.length + 1)]);
  const field = pick(random, ['x', 'data', 'spec', 'secrets', 'metadata']);
  const isMap = oneIn(random, 2) && count <= 60_000;
  const items = Array.from({ length: count }, (_, index) => (isMap ? `"k${index}":${item}` : item)).join();
  const body = Buffer.from(`{"${field}":${isMap ? `{${items}}` : `[${items}]`}}`);
  return { method: 'POST', path, type: `application/${pick(random, ['json', 'yaml'])}`, body };
}

/** A body that some handler of the façade reads: a good one with something changed. */
export function someBody(random: Random): Bodied {
  if (oneIn(random, 500)) return longBody(random);
  const [collection, apiVersion, kind, rest] = pick(random, kinds);
  const name = pick(random, names);
  const managedFields = oneIn(random, 4) ? { managedFields: managersOf(random) } : {};
  const object = { apiVersion, kind, metadata: { name, labels: { a: 'b' }, ...managedFields }, ...rest };
  const next = oneIn(random, 3) ? object : changed(random, object);
  const query = `?fieldManager=${pick(random, ['me', 'you'])}&force=${oneIn(random, 2)}&fieldValidation=${pick(random, ['Strict', 'Warn', 'Ignore'])}`;
  const item = `${collection}/${name}${query}`;
  const spoilt = (body: Buffer): Buffer => (oneIn(random, 10) ? mutate(random, body) : body);
  const json = (value: unknown): Buffer => spoilt(Buffer.from(JSON.stringify(value) ?? ''));
  const write = { method: pick(random, ['POST', 'PUT']) };
  const target = { ...write, path: write.method === 'POST' ? `${collection}${query}` : item };
  const patch = (type: string, body: Buffer): Bodied => ({
    method: 'PATCH',
    path: item,
    type: `application/${type}`,
    body,
  });
  const message = findMessage(kind);
  switch (random.below(8)) {
    case 0:
      return { ...target, type: 'application/yaml', body: spoilt(Buffer.from(yamlOf(random, next))) };
    case 1: {
      const types = Buffer.concat([lengthed(1, Buffer.from(apiVersion)), lengthed(2, Buffer.from(kind))]);
      const bytes = message === undefined ? Buffer.alloc(0) : protobufOf(random, message);
      const body = Buffer.concat([
        Buffer.from('k8s\0'),
        spoilt(Buffer.concat([lengthed(1, types), lengthed(2, bytes)])),
      ]);
      return { ...target, type: 'application/vnd.kubernetes.protobuf', body };
    }
    case 2:
      return patch('json-patch+json', json(jsonPatchOf(random)));
    case 3:
      return patch('merge-patch+json', json(oneIn(random, 2) ? next : oddValue(random)));
    case 4:
      return patch('strategic-merge-patch+json', json(oneIn(random, 2) ? next : oddValue(random)));
    case 5:
      return patch(
        'apply-patch+yaml',
        spoilt(Buffer.from(oneIn(random, 2) ? yamlOf(random, next) : (JSON.stringify(next) ?? ''))),
      );
    case 6:
      return {
        method: 'DELETE',
        path: item,
        type: 'application/json',
        body: json(changed(random, { kind: 'DeleteOptions', apiVersion: 'v1' })),
      };
    default:
      return { ...target, type: 'application/json', body: json(next) };
  }
}
