import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findKubectls } from '../support/kubectl.js';
import { median } from './results.js';
import type { Run, Section } from './section.js';
import { numberText, textTable } from './table.js';

const warmUps = 50;
const kubectlTries = 20;

/** A command that does nothing, in a lab in a process of its own: by the lab's client, and by kubectl. */
export const execSection: Section = {
  name: 'exec',
  long: false,
  async measure({ children, options, results, write }: Run): Promise<void> {
    const { worker, hello: kubeconfig } = await children.worker<number, number[], string>('exec-worker', {});
    await worker.ask(warmUps);
    const tookMs = await worker.ask(options.execs);
    const kubectl = await kubectlTimes(kubeconfig);
    const beyondMs = kubectl.execMs - kubectl.ownMs;
    const sample = { labMs: median(tookMs), ...kubectl, beyondMs };
    results.add('exec', 'lab', sample);
    const lines = [
      ['p50, ms', ''],
      ["lab.exec(['true'])", numberText(sample.labMs, 1)],
      ['kubectl exec web-1 -- true', numberText(sample.execMs, 1)],
      ['kubectl version --client, its own time', numberText(sample.ownMs, 1)],
      ['kubectl exec beyond that', numberText(beyondMs, 1)],
    ];
    write(textTable(lines));
  },
};

const run = promisify(execFile);

/** NaN without a kubectl. The newest that is found. */
async function kubectlTimes(
  kubeconfig: string,
): Promise<{ readonly execMs: number; readonly ownMs: number }> {
  const kubectl = findKubectls().at(-1);
  if (kubectl === undefined) return { execMs: Number.NaN, ownMs: Number.NaN };
  const home = await mkdtemp(join(tmpdir(), 'knb-kubectl-'));
  const config = join(home, 'config');
  await writeFile(config, kubeconfig, { mode: 0o600 });
  const env = { ...process.env, HOME: home, KUBECONFIG: config };
  const took = async (args: readonly string[]): Promise<number> => {
    const startedAt = performance.now();
    await run(kubectl.path, [...args], { env });
    return performance.now() - startedAt;
  };
  try {
    const [execs, own]: [number[], number[]] = [[], []];
    for (let tries = 0; tries < kubectlTries; tries += 1) {
      execs.push(await took(['exec', 'web-1', '--', 'true']));
      own.push(await took(['version', '--client']));
    }
    return { execMs: median(execs), ownMs: median(own) };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
