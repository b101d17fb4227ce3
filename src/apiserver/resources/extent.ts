/** How deep JSON may be nested. Go stops at 10,000; here functions that call themselves must have enough stack. */
export const deepestValue = 1000;

/** Bounds on a JSON value. */
export interface ExtentLimit {
  /** Levels of lists and objects. */
  readonly depth: number;
  /** About as many characters as its JSON has; what is there by several ways counts each time. Default: no limit. */
  readonly size?: number;
}

interface Level {
  readonly items: readonly unknown[];
  next: number;
}

/** What a JSON value exceeds, if anything. It needs no stack, and stops where a limit is reached. */
export function excessOf(
  value: unknown,
  { depth, size = Infinity }: ExtentLimit,
): 'depth' | 'size' | undefined {
  const levels: Level[] = [{ items: [value], next: 0 }];
  let seen = 0;
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (level.next === level.items.length) {
      levels.pop();
      continue;
    }
    const item = level.items[level.next++];
    seen += 1 + (typeof item === 'string' ? item.length : 0);
    if (typeof item === 'object' && item !== null) {
      if (levels.length > depth) return 'depth';
      if (!Array.isArray(item)) for (const key in item) seen += key.length;
      levels.push({ items: Array.isArray(item) ? item : Object.values(item), next: 0 });
    }
    if (seen > size) return 'size';
  }
  return undefined;
}
