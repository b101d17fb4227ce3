import { afterEach, describe, expect, it } from 'vitest';
import { type Lab, type LabOptions, startLab } from '../../src/index.js';

let running: Lab[] = [];
afterEach(async () => {
  await Promise.all(running.map((lab) => lab.stop()));
  running = [];
});

/** A lab whose agents are connected, with a mark after that. */
async function lab(options: LabOptions = {}): Promise<{ one: Lab; mark: number }> {
  const one = await startLab({ nodes: 1, ...options });
  running.push(one);
  for (const { name } of one.nodes) await one.waitFor({ kind: 'agent.connected', node: `agent/${name}` });
  return { one, mark: one.mark() };
}

/** Waits of a busy machine, in lab time that runs fast. */
const soonEnough = { withinMs: 1_000_000 };
const hour = 3_600_000;
/** Minutes pass in seconds. */
const fast = 40;
/** Half a minute passes in three seconds. */
const brisk = 10;

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it succeeded',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

async function works(one: Lab): Promise<void> {
  one.timeScale = 1;
  await expect
    .poll(() => one.exec('web-1', ['echo', 'hello']).catch((error: Error) => error.message), {
      timeout: 30_000,
    })
    .toMatchObject({ stdout: 'hello\n' });
}

describe('the link of an agent and a server', () => {
  it('is cut for all nodes and heals: agents come back by themselves', async () => {
    const { one, mark } = await lab({ nodes: 2, timeScale: fast });
    const nodes = ['agent/node-1', 'agent/node-2'];
    await one.link('agent/*', 'server/*').withFault({ do: 'drop' }, async () => {
      for (const peer of nodes)
        await one.waitFor({ kind: 'backend.disconnected', peer }, { since: mark, ...soonEnough });
      expect(await codeOf(one.exec('web-1', ['true']))).toBe('NO_AGENT');
    });
    for (const peer of nodes)
      await one.waitFor({ kind: 'backend.connected', peer }, { since: mark, ...soonEnough });
    await works(one);
  });
});

describe('a device that forgets a flow after 60 s without a byte', () => {
  it('resets it: the agent is told, and comes back', async () => {
    const { one, mark } = await lab({ timeScale: fast, keepalive: { agentsMs: hour, serversMs: hour } });
    one.link('agent/*', 'server/*').fault({ when: { idleFor: '60s' }, do: 'reset', limit: 1 });
    const later = { since: mark, ...soonEnough };
    expect(await one.waitFor({ kind: 'agent.disconnected' }, later)).toMatchObject({
      error: expect.stringContaining('connection reset by peer'),
    });
    await one.waitFor({ kind: 'backend.connected' }, later);
    await works(one);
  });

  it.each([
    ['both ends ping every 31 s', { agentsMs: 31_000, serversMs: 31_000 }],
    ['agents alone ping every 31 s, because an answer is a byte, too', { agentsMs: 31_000, serversMs: hour }],
  ])('has nothing to forget when %s', async (_name, keepalive) => {
    const { one } = await lab({ timeScale: fast, keepalive });
    const fault = one.link('agent/*', 'server/*').fault('idle-60s-drop');
    await expect(fault.firstHit({ withinMs: 100_000 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
    await works(one);
  });

  it('is faster than pings every 90 s', async () => {
    const { one } = await lab({ timeScale: fast, keepalive: { agentsMs: 90_000, serversMs: 90_000 } });
    await one.link('agent/*', 'server/*').fault('idle-60s-drop').firstHit(soonEnough);
  });
});

it('when only agents ping, a silent loss leaves the server with a connection that is no more', async () => {
  const { one, mark } = await lab({ timeScale: fast, keepalive: { agentsMs: 31_000, serversMs: hour } });
  one.link('agent/*', 'server/*').fault({ do: 'drop', limit: 1 });
  const later = { since: mark, ...soonEnough };
  await one.waitFor({ kind: 'agent.disconnected' }, later);
  await one.waitFor({ kind: 'backend.connected' }, later);
  expect(one.events().some(({ kind }) => kind === 'backend.disconnected')).toBe(false);
});

it('an agent that is frozen looks alive: a dial runs into its timeout, and works when it is thawed', async () => {
  const { one, mark } = await lab({ timeScale: brisk, keepalive: { agentsMs: hour, serversMs: hour } });
  const agent = one.part('agent/node-1');
  agent.freeze();
  agent.freeze();
  expect(await codeOf(one.exec('web-1', ['true']))).toBe('DIAL_TIMEOUT');
  expect(one.events().some(({ kind, seq }) => kind === 'backend.disconnected' && seq > mark)).toBe(false);
  agent.thaw();
  agent.thaw();
  await works(one);
});

it('a fault on a link that does not exist lists those that do', async () => {
  const { one } = await lab();
  expect(() => one.link('agent/node-9', 'server/1').fault({ do: 'reset' })).toThrow(
    /no link agent\/node-9 → server\/1; there are client\/any → apiserver\/main, apiserver\/main → server\/server-1, client\/lab → server\/server-1/,
  );
});

it('a lab with faults stops without delay and leaves nothing', async () => {
  const { one } = await lab({ nodes: 2, servers: 2 });
  one.link().fault({ do: 'freeze' });
  one.link('agent/*', 'server/2').fault('idle-60s-reset');
  await one.stop();
  expect(one.events().at(-1)?.kind).toBe('lab.stopped');
});
