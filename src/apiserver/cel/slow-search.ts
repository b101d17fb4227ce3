import type { ASTNode } from '@marcbachmann/cel-js';

/** Functions that search in a text. The engine may need time proportional to the product of both lengths. */
const searching: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf', 'replace', 'split']);
/** A literal text of this length is found fast enough in any object. */
const shortLength = 64;
/** Searching in two texts of this length takes the engine less than the time of a request. */
const longLength = 32 * 1024;

/**
 * Whether an expression searches for a text that may be long. With two texts of a megabyte a single call of the engine
 * takes minutes, and no time limit stops it.
 */
export function searchesForAny(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(searchesForAny);
  if (!isNode(node)) return false;
  if (node.op === 'rcall' && searching.has(node.args[0]) && !isShortText(node.args[2][0])) return true;
  return searchesForAny(node.args);
}

/** Whether one of the texts in a value (without keys) is too long to be searched. */
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
