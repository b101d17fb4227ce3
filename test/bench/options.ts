import { parseArgs } from 'node:util';
import { cells, idleCell } from './cells.js';
import { hostileCell } from './hostile.js';
import { labsCell } from './labs.js';
import { memoryCell } from './memory.js';
import { restartCell } from './restart.js';

const cellNames = [...Object.keys(cells), idleCell, memoryCell, hostileCell, labsCell, restartCell];

export interface BenchOptions {
  readonly rounds: number;
  /** How long each cell is measured in each round. */
  readonly windowMs: number;
  readonly idleAgents: number;
  /** Added to the round trip of the agent link, half of it each way. */
  readonly delayMs: number;
  /** A folder with the programs `proxy-server` and `proxy-agent` of another implementation. */
  readonly real: string | undefined;
  readonly jsonFile: string | undefined;
  /** The cells to measure, by name; all when empty. */
  readonly only: readonly string[];
  /** Flags of node for our own tunnel, all three of its processes. */
  readonly nodeFlags: readonly string[];
}

export const usage = `npm run bench -- [flags]
  --quick           3 rounds, under a minute (the default)
  --full            9 rounds of a second for each cell, and 1000 idle agents
  --delay 10ms      round-trip time added to the agent link, half of it each way
  --real DIR        measures DIR/proxy-server and DIR/proxy-agent beside ours
  --only CELL       measures this cell only; may be repeated: ${cellNames.join(', ')}
  --json FILE       writes every sample, too
  --node-flag FLAG  a flag of node for our tunnel; may be repeated
`;

/** Throws an Error with a text for people. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      full: { type: 'boolean' },
      delay: { type: 'string' },
      real: { type: 'string' },
      json: { type: 'string' },
      only: { type: 'string', multiple: true },
      'node-flag': { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  if (values.full === true && values.quick === true) throw new Error('--quick or --full, not both');
  const size =
    values.full === true
      ? { rounds: 9, windowMs: 1000, idleAgents: 1000 }
      : { rounds: 3, windowMs: values.real === undefined ? 400 : 280, idleAgents: 300 };
  return {
    ...size,
    delayMs: parseDelay(values.delay ?? '0'),
    real: values.real,
    jsonFile: values.json,
    only: parseOnly(values.only ?? []),
    nodeFlags: values['node-flag'] ?? [],
  };
}

function parseDelay(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:ms)?$/.exec(text);
  if (match === null) throw new Error(`--delay: "${text}" is no duration such as 10ms`);
  return Number(match[1]);
}

function parseOnly(names: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !cellNames.includes(name));
  if (unknown !== undefined) throw new Error(`--only: there is no cell "${unknown}"`);
  return names;
}
