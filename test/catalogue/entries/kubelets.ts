import type { Entry } from '../entry.js';
import { copy, hostname, kubectl, logs, shell, timed } from '../provoke.js';

const agentToKubelet = { from: 'agent/*', to: 'kubelet/*' } as const;
const execRuns = { event: 'request.started', fields: { node: 'kubelet/node-1' } } as const;

export const kubeletFaults: readonly Entry[] = [
  {
    id: 'K1',
    title: 'The kubelet refuses',
    inject: { on: agentToKubelet, do: 'refuse' },
    provoke: logs,
    asks: '`kubectl logs`',
    works: 'listening',
    says: 'dial tcp 10.0.1.11:10250: connect: connection refused',
    journal: { kind: 'endpoint.failed', node: 'agent/node-1' },
  },
  {
    id: 'K2',
    title: 'The kubelet does not answer a dial',
    inject: { on: agentToKubelet, do: 'synDrop' },
    provoke: logs,
    asks: '`kubectl logs`',
    works: 'listening',
    says: 'dial tcp 10.0.1.11:10250: i/o timeout',
    journal: { kind: 'endpoint.failed', node: 'agent/node-1' },
  },
  {
    id: 'K7',
    title: 'The kubelet restarts in the midst of an exec',
    inject: { on: { part: 'kubelet/node-1' }, when: execRuns, do: 'kill', for: '1s' },
    provoke: shell('sleep 3; hostname'),
    asks: 'an exec of 3 s',
    says: 'tunnel closed',
    journal: { kind: 'role.killed', node: 'kubelet/node-1' },
  },
  {
    id: 'K8',
    title: 'A large copy holds up the others',
    inject: { on: { from: 'agent/*', to: 'server/*' }, do: { rate: { bytesPerSecond: 16_384 } } },
    provoke: async (lab) => {
      const since = lab.mark();
      const large = copy(262_144)(lab).catch(String);
      await lab.waitFor(
        { kind: 'packet', node: 'agent/node-1', dir: 'out', packet: 'DATA', bytes: /^\d{4}/ },
        { since },
      );
      const answer = await timed(4, hostname)(lab);
      await large;
      return answer;
    },
    asks: '`hostname` during a copy of 256 KiB',
    works: 'web-1, within 4 s',
    says: 'web-1, after more than 4 s',
    journal: { kind: 'fault.hit', action: 'rate' },
  },
  {
    id: 'K10',
    title: 'The exit code is lost, and the end of the output',
    inject: { on: agentToKubelet, direction: 'toClient', when: { afterBytes: 12_000 }, do: 'reset' },
    provoke: kubectl('exec', 'web-1', '--', 'sh', '-c', 'seq 1 5000; exit 3'),
    needsKubectl: true,
    asks: "`kubectl exec web-1 -- sh -c 'seq 1 5000; exit 3'` (the code is 3)",
    works: '5000\ncommand terminated with exit code 3',
    says: 'exit code 0',
    journal: { kind: 'endpoint.closed', node: 'agent/node-1' },
  },
];
