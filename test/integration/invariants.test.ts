import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/index.js';
import { each, waitMs, within } from '../support/waits.js';

describe('the invariants of a lab', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab();
  });
  afterAll(() => lab.stop());

  it('hold after requests, in whatever way they ended', async () => {
    const [node] = lab.nodes;
    await lab.exec('web-1', ['sh', '-c', 'cat; exit 3'], { stdin: 'a line\n' });
    await expect(lab.dial(node?.ip ?? '', 1)).rejects.toMatchObject({ code: 'DIAL_FAILED' });
    for await (const _ of each(lab.logs('counter', { follow: true }), 'line of the log')) break;
    await lab.checkInvariants({ withinMs: waitMs });
  });

  it('are broken by a connection that is left open, which is named', async () => {
    const [node] = lab.nodes;
    const before = lab.open();
    const left = await lab.dial(node?.ip ?? '', node?.kubeletPort ?? 0);
    const check = lab.checkInvariants({ withinMs: 0 });
    await expect(check).rejects.toMatchObject({ code: 'INVARIANT_BROKEN' });
    await expect(check).rejects.toThrow(
      /left open: established 1\n(?:.*\n)*left open: tunnelConnections 1\n.*began and did not end: .*client\/lab/,
    );
    // What is known to be open is no leak.
    await lab.checkInvariants({ open: lab.open() });
    left.destroy();
    await lab.checkInvariants({ open: before, withinMs: waitMs });
  });

  it('are broken while a server and its agents do not agree', async () => {
    const agent = lab.part('agent/node-2');
    const killed = agent.kill();
    await expect(lab.checkInvariants({ withinMs: 0 })).rejects.toThrow(
      'server/server-1 has 2 agents; 1 agents say that they are connected to it',
    );
    await killed;
    await lab.checkInvariants({ withinMs: waitMs });
    await agent.start();
    await lab.checkInvariants({ withinMs: waitMs });
  });

  it('hold for a lab that has stopped', async () => {
    const other = await startLab({ nodes: 1 });
    await other.exec('web-1', ['true']);
    await other.stop();
    await other.checkInvariants({ withinMs: 0 });
  });
});

describe.each(['real', 'ideal'] as const)('the invariants of a lab, as: %s', (as) => {
  it('hold after a transfer that was cut, and connections that begin again at 1', async () => {
    await using lab = await startLab({ nodes: 1, as, journalCapacity: 500_000 });
    for (let round = 0; round < 2; round++) {
      const since = lab.mark();
      const cut = lab.exec('web-1', ['yes'], { stdin: 'x'.repeat(200_000) }).catch(() => undefined);
      await lab.waitFor(
        { kind: 'packet', node: 'client/lab', dir: 'in', packet: 'DATA', bytes: /^\d{4,}/ },
        { since, withinMs: waitMs },
      );
      await lab.part('agent/node-1').restart();
      await within(cut, 'end of the command');
    }
    await lab.checkInvariants({ withinMs: waitMs });
  });
});

describe('the events of a lab', () => {
  it('are expected in order, and are known by their kinds', async () => {
    await using lab = await startLab({ nodes: 1 });
    const since = lab.mark();
    await lab.exec('web-1', ['true']);
    const [started, established, closed] = await lab.expectEvents(
      [
        { kind: 'dial.started', node: 'client/lab' },
        { kind: 'dial.established', node: 'client/lab' },
        { kind: 'connection.closed', node: 'client/lab' },
      ],
      { since, none: [{ kind: 'dial.failed' }], withinMs: waitMs },
    );
    expect(established.dialId).toBe(started.dialId);
    expect(closed.durationMs).toBeGreaterThan(0);
  });
});
