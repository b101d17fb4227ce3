/** How deep JSON may be nested. Go stops at 10,000; here the limit keeps recursive functions within the stack. */
export const maxDepth = 1000;
/** One thread does the work of kube-apiserver's many, so long work delays all. Objects rarely have so many values. */
export const maxValues = 50_000;

export interface ExtentLimit {
  /** Levels of lists and objects. Default: no limit. */
  readonly depth?: number;
  /** Approximate bytes of its JSON; a value that is reachable in several ways counts each time. Default: no limit. */
  readonly bytes?: number;
  /** Items of lists and fields of objects. Default: no limit. */
  readonly values?: number;
}

interface Level {
  readonly items: readonly unknown[];
  next: number;
}

/** Which limit a JSON value exceeds, if any. It does not use recursion, and stops when a limit is reached. */
export function excessOf(
  value: unknown,
  { depth = Infinity, bytes = Infinity, values = Infinity }: ExtentLimit,
): keyof ExtentLimit | undefined {
  const levels: Level[] = [{ items: [value], next: 0 }];
  let seenBytes = 0;
  let seenValues = 0;
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (level.next === level.items.length) {
      levels.pop();
      continue;
    }
    const item = level.items[level.next++];
    seenBytes += 1 + (typeof item === 'string' ? Buffer.byteLength(item) : 0);
    if (typeof item === 'object' && item !== null) {
      if (levels.length > depth) return 'depth';
      const items: readonly unknown[] = Array.isArray(item) ? item : Object.values(item);
      seenValues += items.length;
      if (seenValues > values) return 'values';
      if (bytes < Infinity && !Array.isArray(item))
        for (const key of Object.keys(item)) seenBytes += Buffer.byteLength(key);
      levels.push({ items, next: 0 });
    }
    if (seenBytes > bytes) return 'bytes';
  }
  return undefined;
}

const codeOf = (mark: string): number => mark.charCodeAt(0);
const [quote, escape] = ['"', '\\'].map(codeOf);
const openers = new Set(['[', '{'].map(codeOf));
const closers = new Set([']', '}'].map(codeOf));
const comma = codeOf(',');

/** How deep a JSON text is nested, and how many values it has. This is much cheaper than parsing it. */
export function extentOfText(text: string): { readonly depth: number; readonly values: number } {
  let [depth, deepest, values] = [0, 0, 0];
  let isText = false;
  for (let index = 0; index < text.length; index++) {
    const mark = text.charCodeAt(index);
    if (mark === quote) isText = !isText;
    else if (isText) index += mark === escape ? 1 : 0;
    else if (openers.has(mark)) {
      values += 1;
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (closers.has(mark)) depth -= 1;
    else if (mark === comma) values += 1;
  }
  return { depth: deepest, values };
}
