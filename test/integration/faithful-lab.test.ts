import { describe, expect, it } from 'vitest';
import type { FaithfulName } from '../../src/core/faithful.js';
import { faithfulFrom } from '../../src/dropin/faithful-variable.js';
import { startLab } from '../../src/lab/start-lab.js';
import { konnsim, scratchFolder } from '../support/konnsim.js';
import { soon } from '../support/waits.js';

/** How a connection to a kubelet ends when its agent is stopped: in order, or with which error. */
async function cut(faithful: readonly FaithfulName[]): Promise<string> {
  const lab = await startLab({ nodes: 1, faithful });
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

describe('a lab with faithful parts', () => {
  it('has them behave as asked for, and better when not asked', async () => {
    expect(await cut(['close-without-reason', 'exec-cut-is-success'])).toBe('in order');
    expect(await cut([])).toBe('agent connection lost');
  });
});

describe('--faithful', () => {
  it.each([
    ['server', '--faithful', 'nonsense'],
    ['agent', '--faithful', 'no-dial-timeout,nonsense'],
    ['up', '--faithful', 'nonsense'],
  ])('konnsim %s %s %s: is refused with the names that exist', async (...args) => {
    const { path, remove } = await scratchFolder();
    try {
      const { code, stderr } = await konnsim(args, { cwd: path });
      expect(code).toBe(2);
      expect(stderr).toContain('"nonsense" is not one of');
      expect(stderr).toContain('head-of-line-blocking');
    } finally {
      await remove();
    }
  });

  it('comes to the drop-in programs by KONNSIM_FAITHFUL', () => {
    const env = { KONNSIM_FAITHFUL: 'drain-waits-for-packet,no-dial-timeout' };
    expect(faithfulFrom(env, 'agent')).toEqual(['drain-waits-for-packet']);
    expect(faithfulFrom(env, 'server')).toEqual(['no-dial-timeout']);
    expect(faithfulFrom({}, 'server')).toEqual([]);
    expect(() => faithfulFrom({ KONNSIM_FAITHFUL: 'nonsense' }, 'server')).toThrow(
      'KONNSIM_FAITHFUL: "nonsense" is not a known behaviour',
    );
  });
});
