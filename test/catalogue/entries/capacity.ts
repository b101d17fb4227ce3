import type { Lab } from '../../../src/index.js';
import { eventually } from '../../support/waits.js';
import type { Entry } from '../entry.js';

/** A client that sends much to the echo pod and reads nothing. Resolves with how to end it. */
async function readNothing(lab: Lab): Promise<() => unknown> {
  const echo = lab.topology.objects.pods.find(({ metadata }) => metadata.name === 'echo');
  const stream = await lab.dial(echo?.status.podIP ?? '', 7);
  stream.on('error', () => undefined);
  stream.write(Buffer.alloc(64 << 20));
  let before = 0;
  await eventually(
    () => {
      const [connection] = lab.connections();
      const bytes = connection?.fromEndpointBytes ?? 0;
      const hasStopped = bytes > 0 && bytes === before;
      before = bytes;
      if (!hasStopped) throw new Error(`it still moves: ${bytes} bytes`);
    },
    { intervalMs: 100 },
  );
  return () => stream.destroy();
}

export const capacityFaults: readonly Entry[] = [
  {
    id: 'P1',
    title: 'One reader that takes nothing stops all others of its agent',
    lab: { faithful: ['head-of-line-blocking'], timeScale: 20 },
    inject: { text: 'a client that sends 64 MiB to the echo pod, and reads nothing', run: readNothing },
    says: 'dial timeout, backstop',
    journal: { kind: 'dial.failed', code: 'DIAL_TIMEOUT' },
    heals: 'When its connection has ended, the others go on.',
  },
  {
    id: 'P2',
    title: 'Without flow control memory grows',
    cannot:
      'No queue of our parts is without a bound: who does not read stops who sends (P1), or is cut after 30 s. Memory of a Go process is not here.',
  },
];
