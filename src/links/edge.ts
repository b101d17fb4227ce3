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
  const numbered = /^([a-z]+)\/(\d+)$/.exec(pattern);
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const source = numbered === null ? escaped.join('.*') : `${numbered[1]}/(?:.*-)?${numbered[2]}`;
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}
