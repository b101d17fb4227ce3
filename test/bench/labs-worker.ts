import { built } from './built.js';
import { serve } from './worker.js';

const { startLab } = await built<typeof import('../../src/lab/start-lab.js')>('lab/start-lab.js');

/** So many labs at once, each with so many nodes. */
export interface LabsStep {
  readonly nodes: number;
  readonly labs: number;
}

/** From the call until all have started: real time, processor time, and the growth of the memory, bytes. */
export interface LabsStarted {
  readonly tookMs: number;
  readonly cpuMs: number;
  readonly rss: number;
  readonly heapUsed: number;
}

/** A slow machine shall be measured, not refused. */
const readyTimeoutMs = 300_000;

async function start({ nodes, labs: count }: LabsStep): Promise<LabsStarted> {
  const memory = restingMemory();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const labs = await Promise.all(Array.from({ length: count }, () => startLab({ nodes, readyTimeoutMs })));
  const tookMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  const { rss, heapUsed } = restingMemory();
  await Promise.all(labs.map((lab) => lab.stop()));
  return {
    tookMs,
    cpuMs: (user + system) / 1000,
    rss: rss - memory.rss,
    heapUsed: heapUsed - memory.heapUsed,
  };
}

function restingMemory(): { readonly rss: number; readonly heapUsed: number } {
  globalThis.gc?.();
  return process.memoryUsage();
}

serve(async () => ({ hello: undefined, handle: (step: LabsStep) => start(step) }));
