import type { Children } from './children.js';
import type { LabsStarted, LabsStep } from './labs-worker.js';
import type { Sample } from './requests.js';
import type { Section } from './section.js';

export const labsSection: Section = {
  name: 'labs',
  long: false,
  async measure({ children, results, write }) {
    results.add('labs', 'lab', await measureLabs(children, write));
  },
};

const mib = 1024 * 1024;
const standard = { nodes: 2, labs: 1 };

const steps: readonly (LabsStep & { readonly title: string })[] = [
  { ...standard, title: 'startLab(), the first' },
  { ...standard, title: 'startLab(), the next' },
  { ...standard, title: 'startLab(), one more' },
  { nodes: 1000, labs: 1, title: 'startLab({ nodes: 1000 })' },
  { ...standard, labs: 100, title: '100 labs at once' },
];

/** How long labs take to start and what they keep in memory, in one process. Writes a table. */
async function measureLabs(children: Children, write: (text: string) => void): Promise<Sample> {
  const { worker } = await children.worker<LabsStep, LabsStarted, null>('labs-worker', {}, ['--expose-gc']);
  const sample: Record<string, number> = {};
  try {
    const heads = ['ms', 'CPU ms', 'MiB RSS a node', 'MiB heap a node'];
    write(`${'start of labs'.padEnd(30)}${heads.map((head) => head.padStart(17)).join('')}\n`);
    for (const { title, ...step } of steps) {
      const { tookMs, cpuMs, rss, heapUsed } = await worker.ask(step);
      const count = step.nodes * step.labs;
      const cells = [
        tookMs.toFixed(0),
        cpuMs.toFixed(0),
        ...[rss, heapUsed].map((all) => (all / mib / count).toFixed(3)),
      ];
      write(`${title.padEnd(30)}${cells.map((cell) => cell.padStart(17)).join('')}\n`);
      sample[`${title}, ms`] = tookMs;
      sample[`${title}, CPU ms`] = cpuMs;
      sample[`${title}, MiB a node`] = rss / mib / count;
    }
    return sample;
  } finally {
    await worker.stop();
  }
}
