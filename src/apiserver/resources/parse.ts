import { Worker } from 'node:worker_threads';
import { CORE_SCHEMA, load, mergeTag, YAMLException } from 'js-yaml';
import { deepestValue, excessOf } from './extent.js';

/** Bytes of YAML that are read at once; a worker reads longer ones, so that other requests go on meanwhile. */
const longestAtOnce = 128 * 1024;
/** As many characters as a body may have bytes. */
const mostOfAliases = 3 * 1024 * 1024;
const workerHeapMb = 512;
const tooDeep = 'exceeded max depth';

/** Parses JSON. Throws an Error for what is none, or is nested too deep. */
export function parseBoundedJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (excessOf(value, { depth: deepestValue }) !== undefined) throw new Error(tooDeep);
  return value;
}

/**
 * Parses one document of YAML 1.2 with merge keys. Rejects with an Error in the words of Go's library for what is none,
 * is nested too deep, or becomes too large by its aliases.
 */
export async function parseYaml(text: string): Promise<unknown> {
  const value = text.length <= longestAtOnce ? parseHere(text) : await parseInWorker(text);
  const excess = excessOf(value, { depth: deepestValue, size: mostOfAliases });
  if (excess !== undefined) throw new Error(excess === 'depth' ? depthText : aliasText);
  return value;
}

const depthText = `yaml: ${tooDeep} of ${deepestValue}`;
const aliasText = 'yaml: document contains excessive aliasing';

interface Problem {
  readonly reason: string;
  /** From 0. */
  readonly line?: number | undefined;
}

function parseHere(text: string): unknown {
  try {
    return load(text, { schema: CORE_SCHEMA.withTags(mergeTag), maxDepth: deepestValue });
  } catch (caught) {
    if (!(caught instanceof YAMLException)) throw caught;
    throw goError(text, { reason: caught.reason, line: caught.mark?.line });
  }
}

/** The same as `parseHere`, as text: a worker takes no functions, and a file of its own would have to be found. */
const workerCode = `
  const { parentPort, workerData: { library, text, maxDepth } } = require('node:worker_threads');
  import(library).then(({ CORE_SCHEMA, load, mergeTag }) => {
    try {
      parentPort.postMessage({ value: load(text, { schema: CORE_SCHEMA.withTags(mergeTag), maxDepth }) });
    } catch ({ message, reason = message, mark }) {
      parentPort.postMessage({ problem: { reason, line: mark?.line } });
    }
  });`;

type Parsed = { readonly value: unknown } | { readonly problem: Problem };

async function parseInWorker(text: string): Promise<unknown> {
  const worker = new Worker(workerCode, {
    eval: true,
    workerData: { library: import.meta.resolve('js-yaml'), text, maxDepth: deepestValue },
    resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
  });
  const parsed = await new Promise<Parsed>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the parser ended')));
  }).finally(() => void worker.terminate());
  if ('problem' in parsed) throw goError(text, parsed.problem);
  return parsed.value;
}

const quoted = /^ *(?:- +)*["']?([^"':]*)/;

function goError(text: string, { reason, line = 0 }: Problem): Error {
  if (reason.startsWith('nesting exceeded')) return new Error(depthText);
  if (reason.includes('alias')) return new Error(reason.includes('max') ? aliasText : `yaml: ${reason}`);
  if (reason !== 'duplicated mapping key') return new Error(`yaml: line ${line + 1}: ${reason}`);
  const key = quoted.exec(text.split('\n')[line] ?? '')?.[1]?.trim() ?? '';
  return new Error(
    `yaml: unmarshal errors:\n  line ${line + 1}: key ${JSON.stringify(key)} already set in map`,
  );
}
