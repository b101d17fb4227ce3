import { waitMs } from '../../support/waits.js';
import { setLease, startCountingAgent } from '../counting-agent.js';
import type { Entry } from '../entry.js';
import { logs, logsAt } from '../provoke.js';

export const serverFaults: readonly Entry[] = [
  {
    id: 'S1',
    title: 'A server is killed',
    lab: { timeScale: 40 },
    inject: { on: { part: 'server/server-1' }, do: 'kill' },
    provoke: logs,
    asks: '`kubectl logs`',
    works: 'listening',
    says: 'context deadline exceeded: connection error: desc = "transport: Error while dialing: dial unix',
    journal: { kind: 'role.killed', node: 'server/server-1' },
  },
  {
    id: 'S6',
    title: 'The memory of a server grows',
    cannot:
      'Its Go heap is not here, and our parts bound what they hold: who does not read stops who sends (P1). What follows when a system ends it is S1.',
  },
  {
    id: 'S12',
    title: 'The lease of a server is stale',
    lab: { servers: 2, apiservers: 2, serverCount: 1 },
    prepare: startCountingAgent,
    inject: {
      text: 'a lease of the second server that was renewed long ago; the connection of the agent, which counts leases, is reset',
      async run(lab) {
        const since = lab.mark();
        await setLease(lab, 'server-2', 'long ago');
        await lab.waitFor({ kind: 'servers.counted', count: 1 }, { since, withinMs: waitMs * lab.timeScale });
        lab.link('agent/*', 'server/2').fault({ do: 'reset' }).remove();
        return () => setLease(lab, 'server-2', 'now');
      },
    },
    provoke: logsAt(2),
    asks: '`kubectl logs` at the second of two API servers',
    works: 'listening',
    says: 'No agent available',
    journal: { kind: 'servers.counted', node: 'agent/counting', count: 1 },
    heals: 'When the server renews its lease, the agent looks for it again.',
  },
];
