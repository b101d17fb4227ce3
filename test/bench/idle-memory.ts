import { type Context, type Programs, startServer, tlsOf } from './chains.js';
import type { Sample } from './requests.js';
import { host } from './sockets.js';
import { rssBytesOf } from './usage.js';

/** Connected before anything is measured: they pay for code and caches that all share. */
const firstAgents = 20;
const settleMs = 500;

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, settleMs));

/**
 * What each further agent costs that is connected and idle, KiB: `server` in the process of the server, `agent` in the
 * one process that holds all of them, which are ours. `rate` is how many connect per second.
 */
export async function measureIdleAgents(
  context: Context,
  programs: Programs,
  agents: number,
): Promise<Sample> {
  const server = await startServer(context, programs);
  const setup = { server: `${host}:${server.agentPort}`, tls: tlsOf(context, 'agent') };
  const { worker } = await context.children.worker<number, number, unknown>('idle-agents', setup);
  const rss = async () => {
    await settle();
    return { server: rssBytesOf(server.child.pid), agent: rssBytesOf(worker.pid) };
  };
  try {
    await worker.ask(firstAgents);
    const before = await rss();
    const tookMs = await worker.ask(agents - firstAgents);
    const after = await rss();
    const each = (side: 'server' | 'agent'): number =>
      ((after[side] ?? Number.NaN) - (before[side] ?? Number.NaN)) / 1024 / (agents - firstAgents);
    return { server: each('server'), agent: each('agent'), rate: ((agents - firstAgents) * 1000) / tookMs };
  } finally {
    await worker.stop();
    await server.child.stop();
  }
}
