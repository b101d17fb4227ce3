import { get } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { type Lab, startLab } from '../../src/index.js';
import type { Sample } from './requests.js';
import type { Section } from './section.js';

export const hostileSection: Section = {
  name: 'hostile',
  long: false,
  async measure({ results, write }) {
    results.add('hostile', 'lab', await measureHostile(write));
  },
};

const measureMs = 4000;
const settleMs = 500;

/** What a container does that wants all there is. Each goes on until its container ends. */
const deeds: readonly { readonly title: string; readonly script: string }[] = [
  { title: 'nothing', script: 'sleep 1000' },
  { title: 'an endless loop', script: 'while :; do :; done' },
  { title: 'a loop of sed that ends never', script: "echo x | sed ':a;s/x/xx/;ba'" },
  { title: 'sort of 5,000,000 lines', script: 'while :; do seq 1 5000000 | sort | sort -r; done' },
  { title: 'bytes without end', script: 'yes | md5sum' },
  {
    title: 'folders, 500 deep, made, listed, removed',
    script: `while :; do mkdir -p /tmp/${'d/'.repeat(500)}; ls -R /tmp/d; rm -rf /tmp/d; done`,
  },
  { title: 'a fork bomb', script: 'f() { f | f & }; f; sleep 1000' },
];

type Times = Readonly<Record<'healthz' | 'exec', readonly number[]>>;

/**
 * How long others wait while one container is hostile: `/healthz`, and a command of the shell in another pod,
 * ms. Writes a table: medians, and the longest. Everything runs in this process.
 */
async function measureHostile(write: (text: string) => void): Promise<Sample> {
  const lab = await startLab({ nodes: 2 });
  try {
    const sample: Record<string, number> = {};
    write(
      `${'beside a container that does'.padEnd(44)}${'/healthz p50, max'.padStart(20)}${'exec p50, max, ms'.padStart(20)}\n`,
    );
    for (const { title, script } of deeds) {
      const times = await beside(lab, script);
      const [health, exec] = [summary(times.healthz), summary(times.exec)];
      write(`${title.padEnd(44)}${textOf(health).padStart(20)}${textOf(exec).padStart(20)}\n`);
      sample[`${title}, /healthz max`] = health.max;
      sample[`${title}, exec max`] = exec.max;
    }
    return sample;
  } finally {
    await lab.stop();
  }
}

async function beside(lab: Lab, script: string): Promise<Times> {
  const shell = ['sh', '-c', 'x=1; ls /'];
  await lab.exec('web-2', shell);
  const hostile = lab.exec('web-1', ['sh', '-c', script]).catch(() => undefined);
  await delay(settleMs);
  const times = { healthz: [] as number[], exec: [] as number[] };
  for (const end = performance.now() + measureMs; performance.now() < end; ) {
    times.healthz.push(await tookMs(() => health(lab.apiServerUrl)));
    times.exec.push(await tookMs(() => lab.exec('web-2', shell)));
  }
  lab.restartContainer('web-1');
  await hostile;
  return times;
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

function health(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(`${url}/healthz`, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve());
    }).once('error', reject);
  });
}

function summary(times: readonly number[]): { readonly p50: number; readonly max: number } {
  const sorted = times.toSorted((one, other) => one - other);
  return { p50: sorted[sorted.length >> 1] ?? 0, max: sorted.at(-1) ?? 0 };
}

const textOf = ({ p50, max }: ReturnType<typeof summary>): string => `${p50.toFixed(0)}, ${max.toFixed(0)}`;
