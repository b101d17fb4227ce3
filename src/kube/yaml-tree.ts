import { EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml';
import { TunnelError } from '../core/errors.js';

/** Where a value begins, both from 1. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

/** A value of a YAML file, and where it begins. All scalars are texts. */
export type YamlNode = TextNode | ListNode | MapNode;

interface TextNode extends YamlPlace {
  readonly kind: 'text';
  readonly text: string;
}

interface ListNode extends YamlPlace {
  readonly kind: 'list';
  readonly items: YamlNode[];
}

interface MapNode extends YamlPlace {
  readonly kind: 'map';
  readonly fields: Map<string, YamlNode>;
}

/** Reads all documents of a YAML or JSON file. Throws CONFIG_INVALID with file, line and column. */
export function parseYamlTree(file: string, text: string): readonly YamlNode[] {
  try {
    const builder = new TreeBuilder(text);
    for (const event of parseEvents(text, {})) builder.add(event);
    return builder.documents;
  } catch (caught) {
    if (!(caught instanceof YAMLException)) throw caught;
    const { line = 0, column = 0 } = caught.mark ?? {};
    throw badYaml(file, { line: line + 1, column: column + 1 }, `no YAML: ${caught.reason}`);
  }
}

/** The failure of a file, with the place of what is wrong. */
export function badYaml(file: string, { line, column }: YamlPlace, what: string): TunnelError {
  const where = `${file}:${line}:${column}`;
  return new TunnelError('CONFIG_INVALID', `${where}: ${what}`, { where });
}

/** The value at a path of keys and indexes, or the nearest one around it. */
export function nearest(node: YamlNode, path: readonly PropertyKey[]): YamlNode {
  const [key, ...rest] = path;
  if (key === undefined) return node;
  const found =
    node.kind === 'list'
      ? node.items[Number(key)]
      : node.kind === 'map'
        ? node.fields.get(String(key))
        : undefined;
  return found === undefined ? node : nearest(found, rest);
}

/** A value in nested maps, or undefined. */
export function fieldOf(node: YamlNode | undefined, ...path: readonly string[]): YamlNode | undefined {
  return path.reduce<YamlNode | undefined>(
    (found, name) => (found?.kind === 'map' ? found.fields.get(name) : undefined),
    node,
  );
}

export function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  return node?.kind === 'list' ? node.items : [];
}

/** The text at a path. Undefined for other values, also for null. */
export function textAt(node: YamlNode | undefined, ...path: readonly string[]): string | undefined {
  const found = fieldOf(node, ...path);
  return found?.kind === 'text' && !['', '~', 'null'].includes(found.text) ? found.text : undefined;
}

type Open =
  | { readonly kind: 'document' }
  | { readonly kind: 'list'; readonly node: ListNode }
  | {
      readonly kind: 'map';
      readonly node: MapNode;
      /** Values of `<<`. */
      readonly merged: YamlNode[];
      key?: string | undefined;
    };

/** Makes trees of a parser's events, because js-yaml's own values do not know their lines. */
class TreeBuilder {
  readonly documents: YamlNode[] = [];
  private readonly open: Open[] = [];
  private readonly anchors = new Map<string, YamlNode>();
  private readonly text: string;
  private position = 0;
  private line = 1;
  private lineStart = 0;

  constructor(text: string) {
    this.text = text;
  }

  add(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        this.anchors.clear();
        this.open.push({ kind: 'document' });
        return;
      case EVENT_ID.SCALAR: {
        const text = getScalarValue(this.text, event);
        const node: TextNode = { kind: 'text', text, ...this.placeOf(event.valueStart) };
        this.place(this.named(node, event));
        return;
      }
      case EVENT_ID.SEQUENCE: {
        const node: ListNode = { kind: 'list', items: [], ...this.placeOf(event.start) };
        this.open.push({ kind: 'list', node: this.named(node, event) });
        return;
      }
      case EVENT_ID.MAPPING: {
        const node: MapNode = { kind: 'map', fields: new Map(), ...this.placeOf(event.start) };
        this.open.push({ kind: 'map', node: this.named(node, event), merged: [] });
        return;
      }
      case EVENT_ID.ALIAS:
        this.place(this.aliased(event.anchorStart, event.anchorEnd));
        return;
      case EVENT_ID.POP:
        this.close();
        return;
    }
  }

  private close(): void {
    const ended = this.open.pop();
    if (ended === undefined || ended.kind === 'document') return;
    if (ended.kind === 'map') merge(ended.node.fields, ended.merged);
    this.place(ended.node);
  }

  private place(node: YamlNode): void {
    const parent = this.open.at(-1);
    if (parent === undefined || parent.kind === 'document') this.documents.push(node);
    else if (parent.kind === 'list') parent.node.items.push(node);
    else if (parent.key === undefined) parent.key = node.kind === 'text' ? node.text : '';
    else {
      if (parent.key === '<<') parent.merged.push(node);
      else if (parent.node.fields.has(parent.key)) this.fail(`the key ${parent.key} is there twice`);
      else parent.node.fields.set(parent.key, node);
      parent.key = undefined;
    }
  }

  private named<N extends YamlNode>(node: N, event: { anchorStart: number; anchorEnd: number }): N {
    if (event.anchorStart >= 0) this.anchors.set(this.text.slice(event.anchorStart, event.anchorEnd), node);
    return node;
  }

  private aliased(start: number, end: number): YamlNode {
    const name = this.text.slice(start, end);
    const node = this.anchors.get(name);
    if (node !== undefined) return node;
    this.placeOf(start);
    return this.fail(`there is no anchor ${name}`);
  }

  private fail(reason: string): never {
    return YAMLException.throwAt(this.text, this.position, reason);
  }

  /** Events come in the order of the text. Empty values have no position. */
  private placeOf(position: number): YamlPlace {
    for (; this.position < position; this.position += 1) {
      if (this.text[this.position] !== '\n') continue;
      this.line += 1;
      this.lineStart = this.position + 1;
    }
    return { line: this.line, column: this.position - this.lineStart + 1 };
  }
}

/** Fields of the map itself win over merged ones, and earlier merged ones over later ones. */
function merge(fields: Map<string, YamlNode>, merged: readonly YamlNode[]): void {
  for (const source of merged.flatMap((node) => (node.kind === 'list' ? node.items : [node]))) {
    if (source.kind !== 'map') continue;
    for (const [name, node] of source.fields) if (!fields.has(name)) fields.set(name, node);
  }
}
