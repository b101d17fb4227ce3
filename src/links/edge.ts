/** One edge of the picture: who connects, and to whom. Both are `<role>/<name>`, such as `agent/node-1`. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** `agent/node-1 → server/server-1`. */
export function edgeText({ from, to }: Edge): string {
  return `${from} → ${to}`;
}

/**
 * Makes a test for names. In a pattern `*` stands for any text, and a number alone for the part with that number:
 * `server/1` is `server/server-1`, `agent/2` is `agent/node-2`.
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const numbered = /^([a-z]+)\/\d+$/.exec(pattern);
  if (numbered !== null) {
    const [role = '', number = ''] = pattern.split('/');
    return (name) => name === pattern || (name.startsWith(`${role}/`) && name.endsWith(`-${number}`));
  }
  const [first = '', ...middle] = pattern.split('*');
  const last = middle.pop();
  if (last === undefined) return (name) => name === pattern;
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}
