import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  /** How long each cell is measured in each round. */
  readonly windowMs: number;
  readonly idleAgents: number;
  /** How often `lab.exec` runs. */
  readonly execs: number;
  /** Measures what takes long, too. */
  readonly full: boolean;
  /** Writes the tables and plots into docs/. */
  readonly docs: boolean;
  /** Added to the round trip of the agent link, half of it each way. */
  readonly delayMs: number;
  /** A folder with the programs `proxy-server` and `proxy-agent` of another implementation. */
  readonly real: string | undefined;
  readonly jsonFile: string | undefined;
  /** The tables, or cells of one, to measure, by name; all when empty. */
  readonly only: readonly string[];
  /** Flags of node for our own tunnel, all three of its processes. */
  readonly nodeFlags: readonly string[];
}

/** `names` are those that `--only` may have. */
export const usage = (names: readonly string[]): string => `npm run bench -- [flags]
  --quick           3 rounds, some minutes (the default)
  --full            5 rounds, 1000 idle agents, and the tables that take long; some 12 minutes
  --rounds N        so many rounds
  --window 500ms    so long for each cell in each round
  --delay 10ms      round-trip time added to the agent link, half of it each way
  --real DIR        measures DIR/proxy-server and DIR/proxy-agent beside ours
  --only NAME       measures this alone; may be repeated:
                    ${names.join(', ')}
  --docs            writes the tables and plots into docs/, too
  --json FILE       writes every sample, too
  --node-flag FLAG  a flag of node for our tunnel; may be repeated
`;

const flags = {
  quick: { type: 'boolean' },
  full: { type: 'boolean' },
  rounds: { type: 'string' },
  window: { type: 'string' },
  delay: { type: 'string' },
  real: { type: 'string' },
  json: { type: 'string' },
  docs: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  'node-flag': { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Throws an Error with a text for people. */
export function parseOptions(args: readonly string[], names: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({ args: [...args], options: flags });
  if (values.help === true) return 'help';
  const { full = false, docs = false, real, only = [] } = values;
  if (full && values.quick === true) throw new Error('--quick or --full, not both');
  const size = full
    ? { rounds: 5, windowMs: 500, idleAgents: 1000, execs: 300 }
    : { rounds: 3, windowMs: real === undefined ? 400 : 280, idleAgents: 300, execs: 100 };
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only: there is no "${unknown}"`);
  return {
    ...{ ...size, full, docs, real, only, jsonFile: values.json, nodeFlags: values['node-flag'] ?? [] },
    ...(values.rounds === undefined ? {} : { rounds: parseCount('--rounds', values.rounds) }),
    ...(values.window === undefined ? {} : { windowMs: parseMs('--window', values.window) }),
    delayMs: parseMs('--delay', values.delay ?? '0'),
  };
}

function parseMs(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:ms)?$/.exec(text);
  if (match === null) throw new Error(`${flag}: "${text}" is no duration such as 10ms`);
  return Number(match[1]);
}

function parseCount(flag: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${flag}: "${text}" is no number from 1 to 9999`);
  return Number(text);
}
