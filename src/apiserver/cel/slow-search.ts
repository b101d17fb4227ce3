import type { ASTNode } from '@marcbachmann/cel-js';

/** Functions that look for a text in another one. The engine may need the product of both lengths for it. */
const searching: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf', 'replace', 'split']);
/** A text of so many characters, written out in the expression, is found fast enough in any object. */
const shortLength = 64;
/** Two texts of so many characters take the engine less than the time that a request has. */
const longLength = 32 * 1024;

/**
 * Whether an expression looks for a text that may be long. With two texts of a megabyte that is a single call of the
 * engine which takes minutes, and no time limit stops it.
 */
export function searchesForAny(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(searchesForAny);
  if (!isNode(node)) return false;
  if (node.op === 'rcall' && searching.has(node.args[0]) && !isShortText(node.args[2][0])) return true;
  return searchesForAny(node.args);
}

/** Whether one of the texts in a value, keys aside, is too long to be looked for. */
export function holdsLongText(value: unknown): boolean {
  if (typeof value === 'string') return value.length > longLength;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsLongText);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function isShortText(node: ASTNode | undefined): boolean {
  return node?.op === 'value' && typeof node.args === 'string' && node.args.length <= shortLength;
}
