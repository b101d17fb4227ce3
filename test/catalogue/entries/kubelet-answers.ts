import type { Lab } from '../../../src/index.js';
import type { Entry } from '../entry.js';
import { logs } from '../provoke.js';

const byLogs = { provoke: logs, asks: '`kubectl logs`', works: 'listening' } as const;
const kubelet = { part: 'kubelet/*' } as const;

/** An exec that is quiet for more than five minutes. All but the quiet minutes runs at the test's own speed. */
async function quietExec(lab: Lab): Promise<string> {
  const { timeScale } = lab;
  const since = lab.mark();
  const asked = lab.exec('web-1', ['sh', '-c', 'sleep 310; hostname']);
  asked.catch(() => undefined);
  try {
    await lab.waitFor({ kind: 'request.started', node: 'kubelet/node-1' }, { since });
    lab.timeScale = 300;
    return (await asked).stdout;
  } finally {
    lab.timeScale = timeScale;
  }
}

export const kubeletAnswers: readonly Entry[] = [
  {
    id: 'K3',
    title: 'A busy kubelet begins no TLS handshake',
    lab: { timeScale: 20 },
    inject: { on: kubelet, do: { slow: { at: 'tls', delay: '30s' } } },
    ...byLogs,
    says: 'net/http: TLS handshake timeout',
    journal: { kind: 'fault.hit', action: 'slow', part: 'kubelet/node-1' },
  },
  {
    id: 'K4',
    title: 'The kubelet’s certificate does not have its address',
    inject: { on: kubelet, do: { certificate: { is: 'otherName' } } },
    ...byLogs,
    says: "x509: cannot validate certificate for 10.0.1.11 because it doesn't contain any IP SANs",
    journal: { kind: 'request.failed', node: 'apiserver/main', code: 'TLS_REJECTED' },
  },
  {
    id: 'K5',
    title: 'The kubelet rejects its client',
    inject: { on: kubelet, do: { trusts: { ca: 'other' } } },
    ...byLogs,
    says: 'the server has asked for the client to provide credentials',
    journal: { kind: 'request.failed', node: 'kubelet/node-1', status: 401 },
  },
  {
    id: 'K6',
    title: 'A stream without a byte is ended after five minutes',
    lab: { keepalive: { agentsMs: 3_600_000, serversMs: 3_600_000 } },
    inject: {
      text: 'the preset `stream-idle-5m-close`',
      run: async (lab) => {
        const fault = lab.fault('stream-idle-5m-close');
        return () => fault.remove();
      },
    },
    provoke: quietExec,
    asks: 'an exec that says nothing for 310 s',
    says: 'tunnel closed',
    journal: { kind: 'fault.hit', action: 'fin', link: 'agent/node-1 → kubelet/node-1' },
    heals: 'New streams may be silent for as long as the kubelet’s own limit allows, 4 h.',
  },
  {
    id: 'K12',
    title: 'The kubelet’s debugging handlers are off',
    inject: { on: kubelet, do: { answer: { status: 405 } } },
    ...byLogs,
    says: 'the server does not allow this method on the requested resource',
    journal: { kind: 'request.failed', node: 'kubelet/node-1', status: 405 },
  },
];
