import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createSandboxRuntime, type SandboxRuntime } from '../../src/containers/sandbox-runtime.js';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { main, testPod } from '../unit/containers/support.js';
import { randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';
import { someScript } from './shell-scripts.js';

const words = [
  'a',
  'b',
  'ab',
  'B',
  '1',
  '10',
  '-3',
  '2.5',
  'x y',
  '',
  ' ',
  '\t',
  'zz',
  '0',
  'a:b:c',
  '  lead',
  'tail ',
];

function someInput(random: Random): Buffer {
  if (oneIn(random, 12)) return Buffer.alloc(0);
  if (oneIn(random, 4)) return randomBytes(random, random.below(300));
  const spelled = oneIn(random, 4) ? [...words, 'ü', 'é b', '✓'] : words;
  const lines = Array.from({ length: 1 + random.below(12) }, () => pick(random, spelled));
  return Buffer.from(lines.join('\n') + (oneIn(random, 4) ? '' : '\n'));
}

interface Outcome {
  readonly code: number | string | null;
  readonly out: string;
  readonly err: string;
}

async function inSandbox(runtime: SandboxRuntime, script: string, input: Buffer): Promise<Outcome> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  stdout.on('data', (chunk: Buffer) => out.push(chunk));
  stderr.on('data', (chunk: Buffer) => err.push(chunk));
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);
  stdin.end(input);
  const command = ['sh', '-c', `rm -rf /w; mkdir /w; cd /w\n${script}`];
  const streams = { stdin, stdout, stderr, signal: AbortSignal.timeout(60_000) };
  const result = await runtime.exec({ ...main, command, tty: false }, streams);
  await new Promise((resolve) => setImmediate(resolve));
  const code = result.kind === 'exit' ? result.code : result.message;
  return { code, out: Buffer.concat(out).toString('latin1'), err: Buffer.concat(err).toString() };
}

function onHost(folder: string, script: string, input: Buffer): Outcome {
  const inside = mkdtempSync(join(folder, 'w-'));
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], {
    input,
    cwd: inside,
    env,
    timeout: 60_000,
  });
  rmSync(inside, { recursive: true });
  return { code: status, out: stdout.toString('latin1'), err: stderr.toString() };
}

/** Random pipelines, in the sandbox and with the host's programs. The bytes and codes are the same, or the sandbox says that it met a limit. */
export async function fuzzShell({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'konnsim-fuzz-'));
  const runtime = createSandboxRuntime({
    ...{
      nodeName: 'node-1',
      clock: createRealClock(),
      random: createRandom(1),
      emit: ignoreEvents,
      startTimeMs: 0,
    },
    pods: [testPod([{ name: 'main', image: 'busybox' }])],
  });
  let limits = 0;
  try {
    for (let count = 0; count < packets; count += 1) {
      progress(count);
      const [script, input] = [someScript(random), someInput(random)];
      const got = await inSandbox(runtime, script, input);
      if (got.code === 126 && got.err.includes('limit of the sandbox')) {
        limits += 1;
        continue;
      }
      const real = onHost(folder, script, input);
      if (got.code === real.code && got.out === real.out) continue;
      throw new Error(
        `${script}\ninput    ${JSON.stringify(input.toString('latin1'))}\nhost     ${JSON.stringify(real)}\nsandbox  ${JSON.stringify(got)}`,
      );
    }
  } finally {
    await runtime.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return limits;
}
