import { coreMessages } from './core-messages.js';
import { groupMessages } from './group-messages.js';
import { metaMessages } from './meta-messages.js';
import { podMessages } from './pod-messages.js';
import { volumeMessages } from './volume-messages.js';

/**
 * The type of a value without fields, as in JSON: `quantity` is text or a number, `bytes` base64, `strings` a list that
 * is a separate message on the wire.
 */
export type Scalar =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bytes'
  | 'time'
  | 'microtime'
  | 'quantity'
  | 'intstr'
  | 'strings'
  | 'fields'
  | 'raw';

export interface Field {
  /** The name in JSON. */
  readonly name: string;
  readonly type: Scalar | { readonly message: string };
  readonly shape: 'one' | 'list' | 'map';
  /** A pointer in Go: 0, false and the empty text are values. In other fields they mean "not set". */
  readonly optional: boolean;
  /** Strategic merge patch merges this list by the key, or as a set when the key is empty. */
  readonly mergeKey?: string;
  /** A strategic merge patch may list the keys to keep. */
  readonly retainKeys: boolean;
  /** Server-side apply identifies the items of this list by these keys. */
  readonly listKeys?: readonly string[];
  /** Server-side apply treats this list as a set of values. */
  readonly isSet: boolean;
  /** Server-side apply owns it as a whole. */
  readonly atomic: boolean;
}

/** In JSON the fields of embedded types are beside the others; in protobuf they are under one number. */
export interface Message {
  readonly name: string;
  readonly atomic: boolean;
  readonly byName: ReadonlyMap<string, Field>;
  readonly byNumber: ReadonlyMap<number, Field | Embedded>;
}

/** On the wire the fields of `embedded` are a separate message. */
export interface Embedded {
  readonly embedded: string;
}

const scalars: ReadonlySet<string> = new Set([
  ...['string', 'bool', 'int32', 'int64', 'double', 'bytes'],
  ...['time', 'microtime', 'quantity', 'intstr', 'strings', 'fields', 'raw'],
]);

interface Entry {
  readonly number: number;
  readonly field: Field | Embedded;
}

/**
 * Reads tables of Kubernetes' types (release 1.33). A line without indent names a type, with ` #atomic` if server-side
 * apply owns it as a whole. Its fields follow: `number name type`, `T[]` a list, `{T}` a map, `T*` a pointer, the name
 * `...` an embedded type, `^key` the patch merge key, `!` retain keys, `#a+b` the list map keys, `#set`, `#atomic`.
 */
function parseTables(tables: readonly string[]): ReadonlyMap<string, Message> {
  const entries = new Map<string, { atomic: boolean; text: string }>();
  for (const [, name = '', mark, text = ''] of tables.join('').matchAll(/^(\S+)( #atomic)?\n((?: .*\n)*)/gm))
    entries.set(name, { atomic: mark !== undefined, text });
  const parsed = new Map([...entries].map(([name, { text }]) => [name, parseEntries(text)] as const));
  const jsonFields = (name: string): readonly Field[] =>
    (parsed.get(name) ?? []).flatMap(({ field }) =>
      'embedded' in field ? jsonFields(field.embedded) : [field],
    );
  return new Map(
    [...entries].map(([name, { atomic }]) => [
      name,
      {
        name,
        atomic,
        byName: new Map(jsonFields(name).map((field) => [field.name, field])),
        byNumber: new Map((parsed.get(name) ?? []).map(({ number, field }) => [number, field])),
      },
    ]),
  );
}

function parseEntries(text: string): readonly Entry[] {
  return text
    .split(',')
    .map((entry) => entry.trim().split(/\s+/))
    .filter((words) => words.length >= 3)
    .map(([number = '', name = '', type = '', ...flags]) => ({
      number: Number(number),
      field: name === '...' ? { embedded: type } : parseField(name, [type, ...flags]),
    }));
}

function parseField(name: string, [type = '', ...flags]: readonly string[]): Field {
  const bare = type.replace(/^\{(.*)\}$/, '$1').replace(/(\[\]|\*)$/, '');
  const merge = flags.find((flag) => flag.startsWith('^'))?.slice(1);
  const keys = flags.find((flag) => /^#(?!set$|atomic$)/.test(flag))?.slice(1);
  return {
    name,
    type: scalars.has(bare) ? (bare as Scalar) : { message: bare },
    shape: type.endsWith('[]') ? 'list' : type.startsWith('{') ? 'map' : 'one',
    optional: type.endsWith('*'),
    retainKeys: flags.includes('!') || merge?.endsWith('!') === true,
    isSet: flags.includes('#set'),
    atomic: flags.includes('#atomic'),
    ...(merge === undefined ? {} : { mergeKey: merge.replace(/!$/, '') }),
    ...(keys === undefined ? {} : { listKeys: keys.split('+') }),
  };
}

const messages = parseTables([metaMessages, volumeMessages, podMessages, coreMessages, groupMessages]);

/** The type with that name; for objects it is the name of the kind. */
export function findMessage(name: string): Message | undefined {
  return messages.get(name);
}

export function messageNames(): readonly string[] {
  return [...messages.keys()];
}

/** The message type of a field's values, if they are messages of a known type. */
export function messageOfField(field: Field): Message | undefined {
  return typeof field.type === 'object' ? messages.get(field.type.message) : undefined;
}
