import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './compose.js';
import { type ComposeLab, startComposeLab } from './lab.js';

let lab: ComposeLab;

beforeAll(async () => {
  lab = await startComposeLab('ha', {}, 'deploy/ha.env');
}, 900_000);

afterAll(async () => {
  await lab?.close();
});

/** Runs a command through each of the three API servers, which take turns, and counts what fails. */
async function failuresOfThree(): Promise<string[]> {
  const failures: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const { code, stderr } = await lab.run(['exec', 'shell', '--', 'true']);
    if (code !== 0) failures.push(stderr);
  }
  return failures;
}

describe('three API servers, each with a proxy-server of its own', () => {
  it('reach every node, as agents look for three servers', async () => {
    await eventually(async () => expect(await failuresOfThree()).toEqual([]));
  });

  it('go on with two when one pair is gone, and heal', async () => {
    await lab.compose.do(['kill', 'server-2']);
    const failures = await failuresOfThree();
    expect(failures.length).toBeLessThanOrEqual(1);
    await lab.compose.do(['start', 'server-2']);
    await eventually(async () => expect(await failuresOfThree()).toEqual([]));
  });

  it('fail in two of three cases when agents are told of one server only', async () => {
    lab.compose.set({ SERVER_COUNT: '1' });
    await lab.compose.do(['up', '--wait']);
    await lab.compose.do(['restart', 'agent-1', 'agent-2']);
    await eventually(async () => {
      const failures = await failuresOfThree();
      expect(failures).toHaveLength(2);
      for (const text of failures) expect(text).toContain('No agent available');
    });
  });
});
