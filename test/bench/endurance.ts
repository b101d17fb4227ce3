import { type Context, ourPrograms, type Programs, startTunnelPair } from './chains.js';
import type { Worker } from './children.js';
import type { EnduranceRequest, Endured } from './endurance-worker.js';
import type { TunnelWay } from './requests.js';
import type { Run, Section } from './section.js';
import { rssBytesOf } from './usage.js';

const mib = 1024 * 1024;
const sizeBytes = 10 * 1024 * mib;
const stoppedBytes = 64 * mib;
const connections = 10_000;
const restMs = 60_000;
/** What a process may keep more at the end than at its least after the start, MiB. */
const boundMib = 64;
const sampleMs = 500;
/** Until a process has its working memory. */
const settleShare = 0.1;

/** Whether the tunnel holds for long: bytes are compared, memory is watched. */
export const enduranceSection: Section = {
  name: 'endurance',
  long: true,
  async measure(run: Run): Promise<boolean> {
    const context = await run.prepare();
    // It rests while the others are at work.
    const stopped = stoppedReader(run, context);
    const checks = [() => muchThroughOne(run, context), () => manyAtOnce(run, context), () => stopped];
    let allRight = true;
    for (const check of checks) {
      const { text, ok } = await check();
      run.write(`${ok ? 'ok   ' : 'WRONG'}  ${text}\n`);
      if (!ok) allRight = false;
    }
    return allRight;
  },
};

interface Verdict {
  readonly ok: boolean;
  readonly text: string;
}

interface Pair {
  readonly way: TunnelWay;
  readonly pids: readonly number[];
  readonly worker: Worker<EnduranceRequest, Endured>;
}

/** The near end compares what comes with what the far end has sent; with `apart` that is another process. */
async function startPair(context: Context, programs: Programs, apart = false): Promise<Pair> {
  const start = () => context.children.worker<EnduranceRequest, Endured, number>('endurance-worker', {});
  const near = await start();
  const { hello } = apart ? await start() : near;
  const { server, agent, way } = await startTunnelPair(context, programs, hello);
  return { way, pids: [server.child.pid, agent.pid], worker: near.worker };
}

/** Ideal parts: to others a reader is lost that takes nothing for 30 s. */
async function stoppedReader({ results }: Run, context: Context): Promise<Verdict> {
  const { way, worker } = await startPair(context, ourPrograms(context.nodeFlags, 'ideal'));
  const { count, right } = await worker.ask({ step: 'stop', way, sizeBytes: stoppedBytes, restMs });
  const ok = right && count === stoppedBytes;
  results.add('endurance', 'stopped', { ok: Number(ok), count });
  const text = `a reader that stops for ${restMs / 1000} s has ${count} of ${stoppedBytes} bytes, SHA-256 ${sumText(right)}`;
  return { ok, text };
}

async function muchThroughOne({ results, say }: Run, context: Context): Promise<Verdict> {
  const { way, pids, worker } = await startPair(context, ourPrograms(context.nodeFlags));
  const samples: number[][] = [];
  const timer = setInterval(() => samples.push(pids.map((pid) => (rssBytesOf(pid) ?? 0) / mib)), sampleMs);
  say('10 GiB through one connection');
  const startedAt = performance.now();
  const { count, right } = await worker.ask({ step: 'download', way, sizeBytes });
  clearInterval(timer);
  const seconds = (performance.now() - startedAt) / 1000;
  const grownMib = Math.max(...pids.map((_pid, at) => growth(samples.map((sample) => sample[at] ?? 0))));
  const ok = right && count === sizeBytes && grownMib <= boundMib;
  results.add('endurance', 'much', { ok: Number(ok), count, seconds, grownMib });
  const memory = `server and agent grow by at most ${grownMib.toFixed(0)} MiB of ${boundMib}`;
  const rate = (count / 1e6 / seconds).toFixed(0);
  return {
    ok,
    text: `10 GiB through one connection: ${count} bytes, ${rate} MB/s, SHA-256 ${sumText(right)}; ${memory}`,
  };
}

/** From the least to the end, after a process has its working memory. */
function growth(samplesMib: readonly number[]): number {
  const settled = samplesMib.slice(Math.ceil(samplesMib.length * settleShare));
  return (settled.at(-1) ?? 0) - Math.min(...settled);
}

async function manyAtOnce({ results, say }: Run, context: Context): Promise<Verdict> {
  // One process may not have sockets enough for both ends of all.
  const { way, pids, worker } = await startPair(context, ourPrograms(context.nodeFlags), true);
  say(`${connections} connections of one agent`);
  const { count, right: ok } = await worker.ask({ step: 'crowd', way, connections });
  const rss = pids.map((pid) => ((rssBytesOf(pid) ?? 0) / mib).toFixed(0)).join(' and ');
  results.add('endurance', 'many', { ok: Number(ok), count });
  return {
    ok,
    text: `${connections} connections of one agent at once: ${count} echo; server and agent have ${rss} MiB`,
  };
}

const sumText = (right: boolean): string => (right ? 'as sent' : 'NOT as sent');
