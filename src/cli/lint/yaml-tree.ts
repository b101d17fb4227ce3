import { EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml';
import { badInput } from './words.js';

/** A value of a YAML file, and the line where it begins, from 1. All scalars are texts. */
export type YamlNode = TextNode | ListNode | MapNode;

interface TextNode {
  readonly kind: 'text';
  readonly text: string;
  readonly line: number;
}

interface ListNode {
  readonly kind: 'list';
  readonly items: YamlNode[];
  readonly line: number;
}

interface MapNode {
  readonly kind: 'map';
  readonly fields: Map<string, YamlNode>;
  readonly line: number;
}

/** Reads all documents of a YAML or JSON file. Throws CONFIG_INVALID with file and line. */
export function parseYamlTree(file: string, text: string): readonly YamlNode[] {
  try {
    const builder = new TreeBuilder(text);
    for (const event of parseEvents(text, {})) builder.add(event);
    return builder.documents;
  } catch (caught) {
    if (!(caught instanceof YAMLException)) throw caught;
    throw badInput(file, (caught.mark?.line ?? 0) + 1, `no YAML: ${caught.reason}`);
  }
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
        const line = this.lineAt(event.valueStart);
        const node: TextNode = { kind: 'text', text: getScalarValue(this.text, event), line };
        this.place(this.named(node, event));
        return;
      }
      case EVENT_ID.SEQUENCE: {
        const node: ListNode = { kind: 'list', items: [], line: this.lineAt(event.start) };
        this.open.push({ kind: 'list', node: this.named(node, event) });
        return;
      }
      case EVENT_ID.MAPPING: {
        const node: MapNode = { kind: 'map', fields: new Map(), line: this.lineAt(event.start) };
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
    this.lineAt(start);
    return this.fail(`there is no anchor ${name}`);
  }

  private fail(reason: string): never {
    return YAMLException.throwAt(this.text, this.position, reason);
  }

  /** Events come in the order of the text. Empty values have no position. */
  private lineAt(position: number): number {
    for (; this.position < position; this.position += 1) {
      if (this.text[this.position] === '\n') this.line += 1;
    }
    return this.line;
  }
}

/** Fields of the map itself win over merged ones, and earlier merged ones over later ones. */
function merge(fields: Map<string, YamlNode>, merged: readonly YamlNode[]): void {
  for (const source of merged.flatMap((node) => (node.kind === 'list' ? node.items : [node]))) {
    if (source.kind !== 'map') continue;
    for (const [name, node] of source.fields) if (!fields.has(name)) fields.set(name, node);
  }
}
