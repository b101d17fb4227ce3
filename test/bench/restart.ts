import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, type Programs, programsOf, startServer } from './chains.js';
import type { Child } from './children.js';
import type { Sample } from './requests.js';
import type { Run, Section } from './section.js';
import { freePort, host, whenNotReady, whenReady } from './sockets.js';
import { cpuMsOf, rssBytesOf } from './usage.js';

const nodes = 1000;
const withinMs = 120_000;
const mib = 1024 * 1024;
const konnsim = fileURLToPath(new URL('../../bin/konnsim', import.meta.url));

/**
 * How long all agents of a `konnsim node` take to come back after their server is killed, from the start of its
 * successor's process on the same port.
 */
export const restartSection: Section = {
  name: 'restart',
  long: true,
  async measure(run: Run): Promise<void> {
    const context = await run.prepare();
    const heads = ['first, ms', 'server up, ms', 'all back, ms', 'server CPU, ms', 'MiB RSS a node'];
    const title = `restart, ${nodes} agents`;
    run.write(`${title.padEnd(24)}${heads.map((head) => head.padStart(16)).join('')}\n`);
    for (const programs of programsOf(context, ['real'])) {
      const sample = await restartOnce(context, programs);
      run.results.add('restart', programs.name, sample);
      run.write(`${programs.name.padEnd(24)}${Object.values(sample).map(shown).join('')}\n`);
    }
  },
};

const shown = (value: number): string => value.toFixed(value < 10 ? 3 : 0).padStart(16);

type Place = Pick<Context, 'children' | 'folder'>;

async function restartOnce(place: Place, programs: Programs): Promise<Sample> {
  const server = await startServer(place, programs);
  const { child, healthPort } = await startNodes(place, server.agentPort);
  const ready = (): Promise<void> => Promise.race([whenReady(healthPort, '/readyz', withinMs), child.failed]);
  const beganMs = performance.now();
  await ready();
  const firstMs = performance.now() - beganMs;
  await server.child.stop();
  await whenNotReady(healthPort, '/readyz', withinMs);
  const startedMs = performance.now();
  const again = await startServer(place, programs, server.agentPort);
  const upMs = performance.now() - startedMs;
  await ready();
  const backMs = performance.now() - startedMs;
  const sample = {
    firstMs,
    upMs,
    backMs,
    serverCpuMs: cpuMsOf([again.child.pid]) ?? Number.NaN,
    nodeMib: (rssBytesOf(child.pid) ?? Number.NaN) / mib / nodes,
  };
  await child.stop();
  await again.child.stop();
  return sample;
}

async function startNodes(
  { children, folder }: Place,
  port: number,
): Promise<{ readonly child: Child; readonly healthPort: number }> {
  const healthPort = await freePort();
  const child = children.program('konnsim node', process.execPath, [
    ...[konnsim, 'node', `--count=${nodes}`, `--certs=${folder}`],
    // One certificate for all kubelets.
    ...[`--client-ca-file=${join(folder, 'ca.crt')}`, `--proxy-server-host=${host}`],
    ...[`--proxy-server-port=${port}`, `--health-server-port=${healthPort}`],
  ]);
  return { child, healthPort };
}
