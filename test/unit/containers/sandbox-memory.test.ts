import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { Client, main, sandbox, settled, testPod } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const many = 20;

describe('while a container keeps running, nothing is left in memory of', () => {
  const { runtime } = sandbox([
    testPod([
      { name: 'main', image: 'konnsim/echo', ports: [{ name: 'echo', containerPort: 7, protocol: 'TCP' }] },
    ]),
  ]);
  afterAll(() => runtime.close());

  /** How many of the clients are still in memory at the end. */
  async function left(work: (client: Client) => Promise<unknown>): Promise<number> {
    const clients: WeakRef<Client['stdout']>[] = [];
    const one = async (): Promise<void> => {
      const client = new Client();
      clients.push(new WeakRef(client.stdout));
      await work(client);
      for (const stream of [client.stdin, client.stdout, client.stderr]) stream.destroy();
    };
    for (let count = 0; count < many; count++) await one();
    // A WeakRef holds its target for the rest of the turn.
    await settled();
    collectGarbage();
    await settled();
    collectGarbage();
    return clients.filter((client) => client.deref() !== undefined).length;
  }

  it.each([
    ['true'],
    ['cat', '/etc/hostname'],
    ['sh', '-c', 'echo one | cat; sleep 0'],
    ['sh', '-c', 'for i in 1 2; do echo $i; done >/dev/null'],
  ])('an exec: %s', async (...command) => {
    const exec = ({ stdout, stderr, signal }: Client) =>
      runtime.exec({ ...main, command, tty: false }, { stdout, stderr, signal });
    expect(await left(exec)).toBeLessThanOrEqual(1);
  });

  it('an exec with input, and one at a terminal', async () => {
    const piped = ({ stdin, stdout, stderr, signal }: Client) => {
      stdin.end('input');
      return runtime.exec({ ...main, command: ['cat'], tty: false }, { stdin, stdout, stderr, signal });
    };
    expect(await left(piped)).toBeLessThanOrEqual(1);
    const typed = (client: Client) => {
      const { stdin, stdout, signal } = client;
      stdin.write('exit\n');
      return runtime.exec({ ...main, command: ['sh'], tty: true }, { stdin, stdout, signal });
    };
    expect(await left(typed)).toBeLessThanOrEqual(1);
  });

  it('an attach', async () => {
    const attach = (client: Client) => {
      const { stdout, stderr, signal } = client;
      const ended = runtime.attach(main, { stdout, stderr, signal });
      client.abort();
      return ended;
    };
    expect(await left(attach)).toBeLessThanOrEqual(1);
  });
});
