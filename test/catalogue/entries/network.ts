import type { Lab } from '../../../src/index.js';
import { once } from '../../support/waits.js';
import type { Entry } from '../entry.js';
import { copy, hostname, logs, logsAt, shell, timed } from '../provoke.js';

const agentToServer = { from: 'agent/*', to: 'server/*' } as const;
const agentToKubelet = { from: 'agent/*', to: 'kubelet/*' } as const;
/** Pings that never come: an hour, as in Konnectivity. */
const noPings = { keepalive: { agentsMs: 3_600_000, serversMs: 3_600_000 } } as const;
/** In the midst of an exec. */
const execRuns = { event: 'request.started', fields: { node: 'kubelet/node-1' } } as const;
const backstop = 'dial timeout, backstop';

/** What the web server of `web-1` answers, as far as it comes. */
async function httpGet(lab: Lab): Promise<string> {
  const pod = lab.topology.objects.pods.find(({ metadata }) => metadata.name === 'web-1');
  const stream = await lab.dial(pod?.status.podIP ?? '', 8080);
  let answer = '';
  stream.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  stream.write('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
  await once(stream, 'close');
  return `${answer.length} bytes: ${answer}`;
}

export const networkFaults: readonly Entry[] = [
  {
    id: 'N1',
    title: 'Latency',
    inject: { on: agentToServer, do: { latency: { delay: '2s' } } },
    provoke: timed(8, hostname),
    works: 'web-1, within 8 s',
    says: 'web-1, after more than 8 s',
    journal: { kind: 'fault.hit', action: 'latency' },
  },
  {
    id: 'N2',
    title: 'Jitter',
    lab: { seed: 2 },
    inject: { on: agentToServer, do: { latency: { delay: '1s', jitter: '1s' } } },
    provoke: timed(4, shell('for i in 1 2 3 4 5; do echo $i; done')),
    asks: 'five lines: late by chance, and in order',
    works: '1\n2\n3\n4\n5, within 4 s',
    says: '1\n2\n3\n4\n5, after more than 4 s',
    journal: { kind: 'fault.hit', action: 'latency' },
  },
  {
    id: 'N3',
    title: 'Little bandwidth',
    lab: { timeScale: 20 },
    inject: { on: agentToServer, do: { rate: { bytesPerSecond: 4096 } } },
    provoke: timed(10, copy(65_536)),
    asks: 'a copy of 64 KiB',
    works: '65536 bytes, within 10 s',
    says: '65536 bytes, after more than 10 s',
    journal: { kind: 'fault.hit', action: 'rate' },
  },
  {
    id: 'N4',
    title: 'Loss, in bursts',
    lab: { seed: 4 },
    inject: { on: agentToServer, do: { loss: { share: 0.5 } } },
    provoke: timed(2, hostname),
    works: 'web-1, within 2 s',
    says: 'web-1, after more than 2 s',
    journal: { kind: 'fault.hit', action: 'loss' },
  },
  {
    id: 'N5',
    title: 'Silence in both directions: a half-open connection',
    lab: { ...noPings, timeScale: 40 },
    inject: { on: agentToServer, do: 'drop' },
    says: backstop,
    journal: { kind: 'fault.hit', action: 'drop' },
    heals: 'TCP sends what was lost again.',
  },
  {
    id: 'N6',
    title: 'Silence in one direction',
    lab: { ...noPings, timeScale: 40 },
    inject: { on: agentToServer, direction: 'toTarget', do: 'drop' },
    says: backstop,
    journal: { kind: 'packet', node: 'agent/node-1', dir: 'in', packet: 'DIAL_REQ' },
    heals: 'TCP sends what was lost again.',
  },
  {
    id: 'N7',
    title: 'Reset',
    inject: { on: agentToServer, when: execRuns, do: 'reset' },
    provoke: shell('sleep 3; hostname'),
    asks: 'an exec of 3 s',
    says: 'tunnel closed',
    journal: { kind: 'agent.disconnected', error: '*connection reset by peer' },
  },
  {
    id: 'N8',
    title: 'An orderly end by a middlebox',
    inject: { on: agentToServer, when: execRuns, do: 'fin' },
    provoke: shell('sleep 3; hostname'),
    asks: 'an exec of 3 s',
    says: 'tunnel closed',
    journal: { kind: 'flow.forgotten', verdict: 'fin' },
  },
  {
    id: 'N9',
    title: 'A flow that is idle for 60 s is forgotten',
    lab: { keepalive: { agentsMs: 180_000, serversMs: 180_000 }, timeScale: 40 },
    inject: { on: agentToServer, when: { idleFor: '60s' }, do: 'drop' },
    says: backstop,
    journal: { kind: 'flow.lost', from: 'target' },
    heals: 'The flow stays dead: the agent comes back when a ping was not answered.',
  },
  {
    id: 'N10',
    title: 'A connection ends at an age, also when it is busy',
    lab: { timeScale: 20 },
    inject: { on: agentToServer, when: { age: '20s' }, do: 'reset' },
    provoke: shell('for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 3; done; hostname'),
    asks: 'an exec that prints for 24 s',
    says: 'tunnel closed',
    journal: { kind: 'fault.hit', action: 'reset' },
  },
  {
    id: 'N11',
    title: 'Only small packets pass (MTU)',
    inject: { on: agentToKubelet, direction: 'toClient', do: { sizeLimit: { largest: 1000 } } },
    provoke: logs,
    asks: '`kubectl logs`',
    works: 'listening',
    says: 'net/http: TLS handshake timeout',
    journal: { kind: 'fault.hit', action: 'sizeLimit' },
  },
  {
    id: 'N13',
    title: 'A byte changes',
    inject: { on: agentToKubelet, direction: 'toClient', do: 'corrupt' },
    provoke: logs,
    asks: '`kubectl logs`',
    works: 'listening',
    says: 'tls: first record does not look like a TLS handshake',
    journal: { kind: 'fault.hit', action: 'corrupt' },
  },
  {
    id: 'N14',
    title: 'Small pieces',
    inject: { do: { slice: { size: 1 } } },
    provoke: copy(4096),
    asks: 'a copy of 4 KiB',
    works: '4096 bytes',
    says: '4096 bytes',
    journal: { kind: 'fault.hit', action: 'slice', link: 'agent/node-1 → kubelet/node-1' },
  },
  {
    id: 'N15',
    title: 'Cut after so many bytes',
    inject: {
      on: { from: 'agent/*', to: 'pod/default/web-1' },
      direction: 'toClient',
      when: { afterBytes: 10 },
      do: 'reset',
    },
    provoke: httpGet,
    asks: 'an HTTP request to the pod',
    works: 'HTTP/1.1 200',
    says: '10 bytes: HTTP/1.1 2',
    journal: { kind: 'endpoint.closed', node: 'agent/node-1' },
  },
  {
    id: 'N16',
    title: 'Connections are refused',
    inject: [
      { on: agentToServer, do: 'refuse' },
      { on: agentToServer, do: 'reset' },
    ],
    says: 'No agent available',
    journal: { kind: 'agent.retry', error: '*connection refused' },
  },
  {
    id: 'L1',
    title: 'The balancer gives the same server again and again',
    lab: { servers: 3, apiservers: 3 },
    inject: {
      text: 'a balancer that has become `pinned`; the connections to the other servers are reset',
      async run(lab) {
        const { servers } = lab['insides'].parts;
        const targets = servers['targets']();
        servers['box']?.setTargets(0, targets.slice(0, 1));
        for (const server of ['server/2', 'server/3'])
          lab.link('agent/*', server).fault({ do: 'reset' }).remove();
        return () => servers['box']?.setTargets(0, targets);
      },
    },
    provoke: logsAt(2),
    asks: '`kubectl logs` at the second of three API servers',
    works: 'listening',
    says: 'No agent available',
    journal: { kind: 'agent.retry', peer: 'server/server-1' },
    heals: 'The agent finds the other servers at its next tries.',
  },
  {
    id: 'L2',
    title: 'The two legs of a balancer disagree',
    inject: { on: agentToServer, do: { halfOpen: { told: 'target' } } },
    says: 'No agent available',
    journal: { kind: 'backend.disconnected', peer: 'agent/node-1' },
    heals: 'The agent comes back when a ping was not answered.',
  },
];
