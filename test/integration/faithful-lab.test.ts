import { describe, expect, it } from 'vitest';
import type { BehaviourMode } from '../../src/core/faithful.js';
import { behaviourFrom } from '../../src/dropin/behaviour-variables.js';
import { startLab } from '../../src/lab/start-lab.js';
import { konnsim, scratchFolder } from '../support/konnsim.js';
import { soon } from '../support/waits.js';

/** How a connection to a kubelet ends when its agent is stopped: in order, or with which error. */
async function cut(as?: BehaviourMode): Promise<string> {
  const lab = await startLab({ nodes: 1, ...(as && { as }) });
  try {
    const [node] = lab.nodes;
    const stream = await lab.dial(node?.ip ?? '', node?.kubeletPort ?? 0);
    const end = soon<string>((resolve) => {
      stream.on('error', (error) => resolve(error.message));
      stream.on('end', () => resolve('in order'));
    }, 'end of the stream');
    stream.resume();
    await lab.part(`agent/${node?.name}`).kill();
    return await end;
  } finally {
    await lab.stop();
  }
}

describe('a lab', () => {
  it('fails as the newest releases do, and better when ideal parts are asked for', async () => {
    expect(await cut()).toBe('in order');
    expect(await cut('ideal')).toBe('agent connection lost');
  });
});

describe('--as', () => {
  it.each(['server', 'agent', 'apiserver', 'up'])('of konnsim %s is real or ideal', async (role) => {
    const { path, remove } = await scratchFolder();
    try {
      const { code, stderr } = await konnsim([role, '--as', 'nonsense'], { cwd: path });
      expect(code).toBe(2);
      expect(stderr).toContain('It must be real or ideal.');
    } finally {
      await remove();
    }
  });
});

describe('--faithful', () => {
  it.each([
    ['server', '--faithful', 'nonsense'],
    ['agent', '--faithful', 'no-dial-timeout,nonsense'],
    ['apiserver', '--faithful', 'drain-ignored,nonsense'],
    ['up', '--faithful', 'nonsense'],
  ])('konnsim %s %s %s: is refused with the names that exist', async (...args) => {
    const { path, remove } = await scratchFolder();
    try {
      const { code, stderr } = await konnsim(args, { cwd: path });
      expect(code).toBe(2);
      expect(stderr).toContain('"nonsense" is not one of');
      expect(stderr).toMatch(/head-of-line-blocking|log-cut-is-complete/);
    } finally {
      await remove();
    }
  });

  it('comes to the drop-in programs by KONNSIM_FAITHFUL, and --as by KONNSIM_AS', () => {
    const env = { KONNSIM_FAITHFUL: 'drain-waits-for-packet,no-dial-timeout', KONNSIM_AS: 'ideal' };
    const faithful = ['drain-waits-for-packet', 'no-dial-timeout'];
    expect(behaviourFrom(env, 'agent')).toEqual({ as: 'ideal', faithful });
    expect(behaviourFrom({}, 'server')).toEqual({ as: 'real', faithful: [] });
    expect(() => behaviourFrom({ KONNSIM_FAITHFUL: 'nonsense' }, 'server')).toThrow(
      'KONNSIM_FAITHFUL: "nonsense" is not a known behaviour',
    );
    expect(() => behaviourFrom({ KONNSIM_AS: 'nonsense' }, 'agent')).toThrow(
      'KONNSIM_AS: "nonsense" is not a known behaviour',
    );
  });
});
