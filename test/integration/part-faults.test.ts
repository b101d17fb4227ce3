import { afterEach, describe, expect, it } from 'vitest';
import { type Lab, type LabOptions, startLab } from '../../src/index.js';
import { eventually, waitMs } from '../support/waits.js';

const labs: Lab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop();
});

/** Half a minute passes in three seconds. */
const brisk = 10;
const later = { withinMs: brisk * waitMs };

async function start(options: LabOptions = {}): Promise<Lab> {
  const lab = await startLab({ nodes: 1, timeScale: brisk, ...options });
  labs.push(lab);
  for (const { name } of lab.nodes) {
    let left = lab.options.servers ?? 1;
    await lab.waitFor(
      ({ kind, node }) => kind === 'agent.connected' && node === `agent/${name}` && --left === 0,
    );
  }
  return lab;
}

/** What a user sees of `exec POD hostname`. */
const seen = (lab: Lab, pod = 'web-1'): Promise<string> =>
  lab.exec(pod, ['hostname']).then(
    ({ stdout }) => stdout.trim(),
    (error: Error) => error.message,
  );

/** The first cause that the lab names for the last failure. */
const causeOf = (lab: Lab): string | undefined => lab.explain().causes[0]?.cause;

async function works(lab: Lab, pod?: string): Promise<void> {
  await eventually(async () => expect(await seen(lab, pod)).toBe(pod ?? 'web-1'));
}

/** Ends the connections of agents to a server, so that they connect again. */
async function reconnect(lab: Lab, server = 'server/*'): Promise<number> {
  const mark = lab.mark();
  lab.link('agent/*', server).fault({ do: 'reset' }).remove();
  await lab.waitFor({ kind: 'agent.disconnected' }, { since: mark, ...later });
  return mark;
}

describe('the resolver of an agent', () => {
  it.each([
    ['NXDOMAIN', 'dial tcp: lookup proxy.konnsim on 10.96.0.10:53: no such host', 'lookup'],
    ['SERVFAIL', 'dial tcp: lookup proxy.konnsim on 10.96.0.10:53: server misbehaving', 'lookup'],
    ['timeout', /^dial tcp: lookup proxy\.konnsim on 10\.96\.0\.10:53: read udp .+: i\/o timeout$/, 'lookup'],
    ['stale', 'the server does not announce itself', 'connect'],
  ] as const)('%s: found out at the next connect, explained, and healed', async (answer, error, step) => {
    const lab = await start();
    const fault = lab.part('agent/node-1').fault({ do: { resolver: { answer } } });
    await works(lab);
    const mark = await reconnect(lab);
    const retry = await lab.waitFor({ kind: 'agent.retry' }, { since: mark, ...later });
    expect(retry).toMatchObject({
      step,
      error: error instanceof RegExp ? expect.stringMatching(error) : error,
    });
    expect(await seen(lab)).toBe('No agent available');
    const cause = step === 'lookup' ? 'name-resolution' : 'agent-cannot-connect';
    expect(causeOf(lab)).toBe(cause);
    expect(fault.hits).toBeGreaterThan(0);
    fault.remove();
    await works(lab);
  });

  it.each([
    ['NXDOMAIN', 'dial tcp: lookup node-1 on 10.96.0.10:53: no such host'],
    ['timeout', 'dial tcp: lookup node-1: i/o timeout'],
    ['stale', 'dial tcp 10.0.0.99:10250: i/o timeout'],
  ] as const)('%s: a dial to a name fails, and one to an address does not', async (answer, message) => {
    const lab = await start();
    using _ = lab.part('agent/node-1').fault({ do: { resolver: { answer, name: 'node-*' } } });
    await expect(lab.dial('node-1', 10_250)).rejects.toMatchObject({ message });
    expect(causeOf(lab)).toBe(answer === 'NXDOMAIN' ? 'endpoint-unknown-name' : 'endpoint-silent');
    await works(lab);
  });
});

describe('identity', () => {
  it('a server with the ID of another: agents leave it as a duplicate', async () => {
    const lab = await start({ servers: 2 });
    const fault = lab.part('server/server-1').fault({ do: { announce: { serverId: 'server-2' } } });
    const since = await reconnect(lab, 'server/1');
    await lab.expectEvents(
      [
        { kind: 'backend.connected', node: 'server/server-1' },
        { kind: 'agent.retry', error: 'duplicate server: server-2' },
      ],
      { since, ...later },
    );
    expect(await seen(lab)).toBe('No agent available');
    expect(causeOf(lab)).toBe('same-server-id');
    fault.remove();
    await works(lab);
  });

  it('a cloned agent: nobody claims its node any more', async () => {
    const lab = await start({ nodes: 2, strategies: ['destHost'] });
    const claim = { agentId: 'node-1', identifiers: 'ipv4=10.0.1.11&host=node-1' };
    const fault = lab.part('agent/node-2').fault({ do: { claim } });
    const since = await reconnect(lab);
    await lab.waitFor({ kind: 'agent.connected', node: 'agent/node-2' }, { since, ...later });
    expect(await seen(lab, 'web-2')).toBe('No agent available');
    expect(causeOf(lab)).toBe('other-agent-id');
    fault.remove();
    await reconnect(lab);
    await works(lab, 'web-2');
  });
});

it('descriptors: beyond the limit dials fail, and open connections go on', async () => {
  const lab = await start();
  const fault = lab.part('agent/node-1').fault({ do: { descriptors: { limit: 1 } } });
  const open = await lab.dial('10.0.1.11', 10_250);
  expect(await seen(lab)).toContain('dial tcp 10.0.1.11:10250: socket: too many open files');
  expect(causeOf(lab)).toBe('endpoint-failed');
  open.destroy();
  await lab.settled(later);
  await works(lab);
  expect(fault.hits).toBe(1);
});

it('a server whose Unix socket is that of a dead process runs, and the lab says so', async () => {
  const lab = await start();
  const fault = lab.part('server/server-1').fault({ do: { frontendSocket: { is: 'stale' } } });
  // The open connection would go on.
  lab['insides'].clients.lab['connection']?.cut();
  expect(await seen(lab)).toMatch(/^dial unix .*: connect: connection refused$/);
  expect(causeOf(lab)).toBe('server-out-of-reach');
  fault.remove();
  await works(lab);
});

describe('verbs', () => {
  it('an agent that stops drains first, and lets its connections end', async () => {
    const lab = await start({ nodes: 1 });
    const agent = lab.part('agent/node-1');
    const running = lab.exec('web-1', ['sleep', '3']);
    await lab.waitFor({ kind: 'endpoint.connected' });
    const stopped = agent.stop();
    await lab.waitFor({ kind: 'backend.draining' });
    expect((await running).exitCode).toBe(0);
    await stopped;
    expect(agent.running).toBe(false);
    await agent.start();
    await works(lab);
  });

  it('a server that stops waits for what is open, at most for its grace', async () => {
    const lab = await start();
    const cut = lab.exec('web-1', ['sleep', '1000']).catch((error: { code: string }) => error.code);
    await lab.waitFor({ kind: 'endpoint.connected' });
    await lab.part('server/server-1').stop({ graceMs: 500 });
    expect(await cut).toBe('TUNNEL_CLOSED');
    expect(lab.part('server/server-1').running).toBe(false);
    await lab.part('server/server-1').start();
    await works(lab);
  });

  it('only agents drain', async () => {
    const lab = await start();
    expect(() => lab.part('server/server-1').drain()).toThrow('server/server-1 cannot drain; agents can');
  });

  it('roll in turn: one server after the other, and requests find the rest', async () => {
    const lab = await start({ servers: 2 });
    const mark = lab.mark();
    await lab.roll('server/*', { graceMs: 1000, order: 'reversed' });
    const stopped = lab
      .events()
      .filter(({ kind, seq }) => kind === 'role.stopped' && seq > mark)
      .map(({ node }) => node);
    expect(stopped).toEqual(['server/server-2', 'server/server-1']);
    await works(lab);
    await expect(lab.roll('server/9')).rejects.toMatchObject({ code: 'NODE_NOT_FOUND' });
    // As from JavaScript, where no compiler looks.
    const order = 'backwards' as 'reversed';
    await expect(lab.roll('server/*', { order })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

it.each([
  ['kill', { do: 'kill' }],
  ['stop', { do: { stop: { grace: '1h' } } }],
  ['drain', { do: 'drain' }],
] as const)('a lab stops for good while %s is on for its parts', async (_name, fault) => {
  const lab = await start({ servers: 2, apiservers: 2 });
  // What stops in order waits for this.
  const stream = await lab.dial('10.0.1.11', 10_250);
  stream.on('error', () => undefined);
  for (const part of fault.do === 'drain' ? ['agent/*'] : ['agent/*', 'server/*', 'kubelet/*', 'apiserver/*'])
    lab.fault({ on: { part }, ...fault });
  await lab.stop();
  expect(lab.events().at(-1)?.kind).toBe('lab.stopped');
  expect(lab.parts().filter(({ running }) => running)).toEqual([]);
});

describe('groups and devices', () => {
  it('a partition: nothing passes between two groups, in both directions', async () => {
    const lab = await start({ nodes: 2 });
    const fault = lab.fault({ on: { between: ['server/*', 'client/*'], and: ['agent/*'] }, do: 'drop' });
    const hit = lab.events().flatMap((event) => (event.kind === 'fault.hit' ? [event.link] : []));
    expect(hit).toEqual(['agent/node-1 → server/server-1', 'agent/node-2 → server/server-1']);
    for (const peer of ['agent/node-1', 'agent/node-2'])
      await lab.waitFor({ kind: 'backend.disconnected', peer }, { withinMs: 20 * waitMs });
    expect(await seen(lab)).toBe('No agent available');
    fault.remove();
    await works(lab);
  });

  it('a target that the balancer has lost: agents find the others only', async () => {
    const lab = await start({ servers: 2 });
    const fault = lab.part('server/server-1').fault({ do: { removeTarget: { flows: 'reset' } } });
    let met = 0;
    await lab.waitFor(
      ({ kind, peer }) => kind === 'agent.retry' && peer === 'server/server-2' && ++met === 4,
      later,
    );
    expect(await seen(lab)).toBe('No agent available');
    expect(causeOf(lab)).toBe('balancer');
    fault.remove();
    await works(lab);
  });
});

it('an agent that has started again after an orderly end carries the next request', async () => {
  await using lab = await startLab({ nodes: 1, strategies: ['destHost'] });
  for (let times = 0; times < 5; times += 1) {
    await lab.part('agent/node-1').stop();
    await lab.part('agent/node-1').start();
    expect(await lab.exec('web-1', ['hostname'])).toMatchObject({ stdout: 'web-1\n' });
  }
});
