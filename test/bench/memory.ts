import type { Children } from './children.js';
import type { MemoryStep, MemoryUse } from './memory-lab.js';
import type { Sample } from './requests.js';
import type { Section } from './section.js';

export const memorySection: Section = {
  name: 'memory',
  long: false,
  async measure({ children, results, write }) {
    results.add('memory', 'lab', await measureMemory(children, write));
  },
};

const mib = 1024 * 1024;
const gib = 1024 * mib;

/** A little of everything: what is loaded, compiled and cached once is not counted. */
const warmUp: readonly MemoryStep[] = [
  { step: 'upload', sizeBytes: 128 * mib },
  { step: 'download', sizeBytes: 128 * mib },
  { step: 'execs', count: 200 },
  { step: 'attaches', count: 100 },
  { step: 'chatty-pod', count: 100_000 },
];

const steps: readonly (MemoryStep & { readonly title: string })[] = [
  { step: 'upload', sizeBytes: gib, title: '1 GiB up' },
  { step: 'download', sizeBytes: gib, title: '1 GiB down' },
  { step: 'execs', count: 2000, title: '2,000 execs' },
  { step: 'attaches', count: 1000, title: '1,000 attaches' },
  { step: 'chatty-pod', count: 6_000_000, title: 'a pod that writes 6,000,000 lines' },
];

/** What it may be more at the end than at the start, MiB. */
const boundMib = 50;

const columns = ['rss', 'heapUsed', 'external'] as const;

/** One line of the table: the memory, and in parentheses what it is more than at the start, MiB. */
function line(title: string, use: MemoryUse, start: MemoryUse): string {
  const cells = columns.map((column) => {
    const more = (use[column] - start[column]) / mib;
    return `${(use[column] / mib).toFixed(1)} (${more < 0 ? '' : '+'}${more.toFixed(1)})`.padStart(18);
  });
  return `${title.padEnd(36)}${cells.join('')}${(use.tookMs / 1000).toFixed(1).padStart(9)}\n`;
}

/**
 * What work leaves behind in the memory of one process that holds a whole lab, its clients and the far end, MiB: after
 * each step, and after all. Writes a table of it.
 */
async function measureMemory(children: Children, write: (text: string) => void): Promise<Sample> {
  const { worker } = await children.worker<MemoryStep, MemoryUse, null>('memory-lab', {}, ['--expose-gc']);
  try {
    let start: MemoryUse | undefined;
    for (const step of warmUp) start = await worker.ask(step);
    if (start === undefined) throw new Error('nothing was done to warm up');
    const head = ['RSS', 'heap', 'external'].map((name) => name.padStart(18)).join('');
    write(`${'memory of a lab, MiB'.padEnd(36)}${head}${'s'.padStart(9)}\n${line('start', start, start)}`);
    let end = start;
    for (const { title, ...step } of steps) {
      end = await worker.ask(step);
      write(line(`after ${title}`, end, start));
    }
    const growthMib = (end.rss - start.rss) / mib;
    const verdict = growthMib <= boundMib ? 'within' : 'NOT within';
    write(`${growthMib.toFixed(1)} MiB more than at the start: ${verdict} ${boundMib} MiB\n\n`);
    return { startMib: start.rss / mib, growthMib };
  } finally {
    await worker.stop();
  }
}
