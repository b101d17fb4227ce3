import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runSide } from './run-side.js';
import { costs, sides } from './sides.js';

const usage = `npm run fuzz -- [flags]
  --packets 1000000  packets for each side; fewer for slow ones, when there are several
  --seed NUMBER      repeats a run; chosen at random and printed
  --side NAME        fuzzes this side only; may be repeated: ${[...sides.keys()].join(', ')}
`;

interface FuzzOptions {
  readonly packets: number;
  readonly seed: number;
  readonly names: readonly string[];
}

/** Throws an Error with a text for people. */
function parseOptions(args: readonly string[]): FuzzOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      packets: { type: 'string' },
      seed: { type: 'string' },
      side: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const names = values.side ?? [...sides.keys()];
  const unknown = names.find((name) => !sides.has(name));
  if (unknown !== undefined) throw new Error(`--side: there is no side "${unknown}"`);
  const { packets = '1000000', seed = `${randomInt(2 ** 32)}` } = values;
  return { names, packets: wholeNumber('--packets', packets), seed: wholeNumber('--seed', seed) };
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${flag}: "${text}" is no whole number`);
  return Number(text);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const { names, seed, packets: most } = options;
  process.stdout.write(`seed ${seed}, ${most} packets a side\n`);
  for (const name of names) {
    const side = sides.get(name);
    if (side === undefined) continue;
    const packets = Math.ceil(most / (names.length === 1 ? 1 : (costs[name] ?? 1)));
    const { malformed, durationMs } = await runSide(name, side, { seed, packets });
    const rate = Math.round(packets / (durationMs / 1000));
    const share = ((100 * malformed) / packets).toFixed(1);
    const line = `${(durationMs / 1000).toFixed(1)} s, ${rate} packets/s, ${share} % malformed`;
    process.stdout.write(`${name.padEnd(15)} ${line}\n`);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
