import { Worker } from 'node:worker_threads';
import { CORE_SCHEMA, load, mergeTag, YAMLException } from 'js-yaml';
import { excessOf, extentOfText, maxDepth, maxValues } from '../resources/json-limits.js';
import { StatusError } from './status.js';

/** YAML up to this size is read at once. A worker reads longer texts, so that other requests are not delayed. */
const maxInlineCharacters = 128 * 1024;
/** The highest number of bytes of a body. */
const maxAliasBytes = 3 * 1024 * 1024;
const workerHeapMb = 512;
const tooDeep = 'exceeded max depth';

/** 413: reading and storing such a body would delay all other requests too long. */
export function tooManyValues(): StatusError {
  return new StatusError(
    413,
    `Request entity too large: it has more than ${maxValues} values, the limit of konnectivity-sim; split the object`,
    { reason: 'RequestEntityTooLarge' },
  );
}

/** Parses JSON. Throws an Error for text that is not JSON or is nested too deep, and 413 for too many values. */
export function parseBoundedJson(text: string): unknown {
  const { depth, values } = extentOfText(text);
  if (depth > maxDepth) throw new Error(tooDeep);
  if (values > maxValues) throw tooManyValues();
  return JSON.parse(text);
}

/**
 * Parses one document of YAML 1.2 with merge keys. Rejects with an Error in the words of Go's library when the text is
 * not YAML, is nested too deep, or becomes too large by its aliases; and with 413 when it has too many values.
 */
export async function parseYaml(text: string): Promise<unknown> {
  return text.length <= maxInlineCharacters ? parseHere(text) : parseInWorker(text);
}

/** Why a document cannot be accepted. Without aliases it has exactly the values that its text has. */
function tooMuch(excess: 'depth' | 'bytes' | 'values', text: string): Error {
  if (excess === 'depth') return new Error(depthText);
  return excess === 'bytes' || text.includes('&') ? new Error(aliasText) : tooManyValues();
}

const depthText = `yaml: ${tooDeep} of ${maxDepth}`;
const aliasText = 'yaml: document contains excessive aliasing';

interface Problem {
  readonly reason: string;
  /** Counted from 0. */
  readonly line?: number | undefined;
}

function parseHere(text: string): unknown {
  const value = loadYaml(text);
  const excess = excessOf(value, { depth: maxDepth, bytes: maxAliasBytes, values: maxValues });
  if (excess !== undefined) throw tooMuch(excess, text);
  return value;
}

/** A key stands twice in a map: YAML forbids it, and so does Go where it reads strictly. */
export class RepeatedKeyError extends Error {}

/** `parseYaml` without its limits of size, for files of the machine's own. */
export function loadYaml(text: string): unknown {
  try {
    return load(text, { schema: CORE_SCHEMA.withTags(mergeTag), maxDepth: maxDepth });
  } catch (caught) {
    if (!(caught instanceof YAMLException)) throw caught;
    throw goError(text, { reason: caught.reason, line: caught.mark?.line });
  }
}

/**
 * The same as `parseHere`, as text: a worker takes no functions, and a separate file would have to be found. It answers
 * with JSON, whose values can be counted before they are made, and which is faster to read than a copied object.
 */
const workerCode = `
  const { parentPort, workerData: { library, text, maxDepth, most } } = require('node:worker_threads');
  import(library).then(({ CORE_SCHEMA, load, mergeTag }) => {
    let seen = 0;
    const count = (key, item) => {
      seen += 1 + key.length + (typeof item === 'string' ? item.length : 0);
      if (seen > 2 * most) throw new Error('aliases exceed the max');
      return item;
    };
    try {
      const value = load(text, { schema: CORE_SCHEMA.withTags(mergeTag), maxDepth });
      parentPort.postMessage({ json: JSON.stringify(value ?? null, count) });
    } catch ({ message, reason = message, mark }) {
      parentPort.postMessage({ problem: { reason, line: mark?.line } });
    }
  });`;

type Parsed = { readonly json: string } | { readonly problem: Problem };

async function parseInWorker(text: string): Promise<unknown> {
  const worker = new Worker(workerCode, {
    eval: true,
    workerData: { library: import.meta.resolve('js-yaml'), text, maxDepth: maxDepth, most: maxAliasBytes },
    resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
  });
  const parsed = await new Promise<Parsed>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the parser ended')));
  }).finally(() => void worker.terminate());
  if ('problem' in parsed) throw goError(text, parsed.problem);
  const { depth, values } = extentOfText(parsed.json);
  if (depth > maxDepth) throw tooMuch('depth', text);
  if (values > maxValues) throw tooMuch('values', text);
  return JSON.parse(parsed.json);
}

const quoted = /^ *(?:- +)*["']?([^"':]*)/;

function goError(text: string, { reason, line = 0 }: Problem): Error {
  // Aliases of aliases can be as deep as a text is long.
  if (/^nesting exceeded|call stack/.test(reason)) return new Error(depthText);
  if (reason.includes('alias')) return new Error(reason.includes('max') ? aliasText : `yaml: ${reason}`);
  if (reason !== 'duplicated mapping key') return new Error(`yaml: line ${line + 1}: ${reason}`);
  const key = quoted.exec(text.split('\n')[line] ?? '')?.[1]?.trim() ?? '';
  return new RepeatedKeyError(
    `yaml: unmarshal errors:\n  line ${line + 1}: key ${JSON.stringify(key)} already set in map`,
  );
}
