import type { Duplex } from 'node:stream';
import { beforeAll, describe, expect } from 'vitest';
import type { Lab } from '../../src/index.js';
import { labTest } from '../../src/testing/vitest.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { waitMs } from '../support/waits.js';

const ownLab = labTest({ nodes: 1, strategies: ['destHost'] });
const sharedLab = labTest({ nodes: 1 }, { scope: 'file' });
const fastLab = labTest({ nodes: 1, timeScale: 10 }, { scope: 'file' });

const isStopped = (lab: Lab | undefined): boolean | undefined => lab?.parts().every((part) => !part.running);

function dialKubelet(lab: Lab): Promise<Duplex> {
  const [node] = lab.nodes;
  return lab.dial(node?.ip ?? '', node?.kubeletPort ?? 0);
}

describe('a lab for each test', () => {
  let first: Lab | undefined;

  ownLab('is ready, and has the options that were asked for', async ({ lab }) => {
    first = lab;
    expect(lab.nodes).toHaveLength(1);
    expect(lab.options.strategies).toEqual(['destHost']);
    expect((await lab.exec('web-1', ['true'])).exitCode).toBe(0);
  });

  ownLab('is a new one, and that of the test before has stopped', ({ lab }) => {
    expect(lab).not.toBe(first);
    expect(isStopped(first)).toBe(true);
  });

  describe('with other options', () => {
    ownLab.override('labOptions', { nodes: 2 });

    ownLab('has those', ({ lab }) => {
      expect(lab.nodes).toHaveLength(2);
    });
  });
});

describe('a lab for a file', () => {
  let first: Lab | undefined;

  sharedLab.beforeAll(async ({ sharedLab: lab }) => {
    await lab.exec('web-1', ['touch', '/tmp/made']);
    first = lab;
  });

  sharedLab('is that of hooks', async ({ lab }) => {
    expect(lab).toBe(first);
    expect((await lab.exec('web-1', ['ls', '/tmp/made'])).exitCode).toBe(0);
  });

  sharedLab('is the same in each test', ({ lab }) => {
    expect(lab).toBe(first);
    expect(isStopped(lab)).toBe(false);
  });

  describe('and tests that run at once', () => {
    let opened: Deferred<void>;
    let over: Deferred<void>;
    beforeAll(() => {
      opened = deferred('connection of the other test');
      over = deferred('end of the first test');
    });

    sharedLab.concurrent(
      'one ends first, and what the other has open is no leak of it',
      async ({ lab, onTestFinished }) => {
        onTestFinished(() => over.resolve());
        await opened.promise;
        (await dialKubelet(lab)).destroy();
      },
    );

    sharedLab.concurrent('the other ends behind it', async ({ lab }) => {
      const stream = await dialKubelet(lab);
      opened.resolve();
      await over.promise;
      stream.destroy();
    });
  });
});

describe('matchers', () => {
  fastLab('toHaveSeen: an event of the journal matches', ({ lab }) => {
    expect(lab).toHaveSeen({ kind: 'backend.connected', peer: 'agent/node-1' });
    expect(lab).not.toHaveSeen({ kind: 'agent.disconnected' });
    expect(lab).not.toHaveSeen({ kind: 'backend.connected' }, { since: lab.mark() });
  });

  fastLab('toHaveSeen: a failure shows the event that matched best', ({ lab }) => {
    expect(() => expect(lab).toHaveSeen({ kind: 'backend.connected', peer: 'agent/node-2' })).toThrow(
      /^the lab has not seen backend\.connected peer=agent\/node-2\nnearest: #\d+ .*agent\/node-1.* \(differs in peer\)\nlast events:\n/,
    );
    expect(() => expect(lab).not.toHaveSeen({ kind: 'lab.ready' })).toThrow(
      /^the lab has seen lab\.ready: #\d+ .*lab\/lab/,
    );
  });

  fastLab('toStayQuietFor: nothing happens in the tunnel', async ({ lab }) => {
    await lab.waitFor({ kind: 'agent.connected' }, { withinMs: waitMs * 10 });
    await expect(lab).toStayQuietFor('5s');
    const noise = expect(expect(lab).toStayQuietFor('1h')).rejects.toThrow(
      /^the lab did not stay quiet for 1h: #\d+ /,
    );
    const noFailure = expect(lab).toStayQuietFor(5000, { kind: 'dial.failed' });
    await lab.exec('web-1', ['true']);
    await noise;
    await noFailure;
  });

  fastLab('are for labs, and for durations', async ({ lab }) => {
    expect(() => expect('lab').toHaveSeen({ kind: 'lab.ready' })).toThrow('which startLab gives');
    await expect(expect(lab).toStayQuietFor('soon')).rejects.toThrow('soon is no duration');
  });
});
