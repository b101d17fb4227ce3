import { request } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TunnelError } from '../../src/core/errors.js';
import { type Lab, startLab } from '../../src/index.js';
import { soon, waitMs } from '../support/waits.js';

/** Words of Node for what the system says. Clients of a real cluster get Go's. */
const nodeWords = /\bE[A-Z]{4,}\b|\bERR_[A-Z_]+|socket hang up|Premature close/;

/** Resets each connection at its first byte. */
const resetting = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => socket.resetAndDestroy());
});

describe('what clients are told of a broken connection', () => {
  let lab: Lab;

  beforeAll(async () => {
    await soon<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve), 'listening server');
    const { port } = resetting.address() as AddressInfo;
    const forwards = [
      { ports: [9], target: { address: '127.0.0.1', port } },
      { ports: [10], target: { address: '127.0.0.1', port: 1 } },
    ];
    const metadata = { name: 'shell', namespace: 'default' };
    lab = await startLab({ behaviours: [{ kind: 'PortForward', metadata, spec: { forwards } }] });
  });
  afterAll(async () => {
    await lab.stop();
    resetting.close();
  });

  function ask(path: string): Promise<string> {
    const { ca, leaves } = lab.certificates;
    const tls = {
      ca: ca.certPem,
      cert: leaves.admin.certPem,
      key: leaves.admin.keyPem,
      agent: false as const,
    };
    return soon((resolve, reject) => {
      request(`${lab.apiServerUrl}${path}`, tls, (answer) => void text(answer).then(resolve, reject))
        .on('error', reject)
        .end();
    }, `answer of ${path}`);
  }

  /** Sends one byte through a port-forward, and gives the texts that its owner gets. */
  async function forwarded(port: number): Promise<string> {
    const errors: TunnelError[] = [];
    const forward = await lab.portForward('shell', port, { onError: (error) => errors.push(error) });
    const socket = connect(forward.port, '127.0.0.1');
    socket.write('x');
    await buffer(socket).catch(() => undefined);
    await forward.close();
    return errors.map(({ message }) => message).join('\n');
  }

  it('is Go’s text, with both ends, when the pod’s port resets', async () => {
    const { port } = resetting.address() as AddressInfo;
    expect(await forwarded(9)).toMatch(
      new RegExp(
        `^failed to execute portforward in network namespace "/var/run/netns/cni-[0-9a-f]{36}": read tcp4 127\\.0\\.0\\.1:\\d+->127\\.0\\.0\\.1:${port}: read: connection reset by peer$`,
      ),
    );
    expect(await forwarded(10)).toBe(
      'failed to connect to 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });

  it('has no word of Node in it, nor has the journal', async () => {
    const told = [await forwarded(9), await forwarded(10)];
    const pods = '/api/v1/namespaces/default/pods';
    for (const pod of ['shell:9', 'shell:10', 'web-1:81']) told.push(await ask(`${pods}/${pod}/proxy/`));
    const since = lab.mark();
    await lab.part(lab.parts().find(({ name }) => name.startsWith('server/'))?.name ?? '').kill();
    await lab.waitFor({ kind: 'agent.retry' }, { since, withinMs: waitMs });
    told.push(await lab.exec('web-1', ['true']).then(String, (error: Error) => error.message));
    told.push(...lab.events().map((event) => ('error' in event && event.error) || ''));
    expect(told.filter((one) => nodeWords.test(one))).toEqual([]);
  });
});
