import { get } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/index.js';
import { soon } from '../support/waits.js';

/** 250 ms on an idle machine; this one may be busy. */
const limitMs = 2000;

/** Resolves with the time until the façade has answered. */
function healthMs(lab: Lab): Promise<number> {
  const before = performance.now();
  return soon((resolve, reject) => {
    get(`${lab.apiServerUrl}/healthz`, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(performance.now() - before));
    }).once('error', reject);
  }, 'answer of the façade');
}

async function execMs(lab: Lab, pod: string, command: readonly string[]): Promise<number> {
  const before = performance.now();
  expect((await lab.exec(pod, command)).exitCode).toBe(0);
  return performance.now() - before;
}

describe('a frozen container in a lab', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab();
  });
  afterAll(() => lab.stop());

  it.each(["echo x | sed ':a;s/x/xx/;ba'", 'seq 1 5000000 | sort | sort -r'])(
    'keeps nothing else from answering: %s',
    async (script) => {
      await execMs(lab, 'web-2', ['sh', '-c', 'x=1; ls /']);
      const frozen = lab.exec('web-1', ['sh', '-c', `while :; do ${script}; done`]).catch(() => undefined);
      for (let round = 0; round < 10; round++) {
        expect(await healthMs(lab)).toBeLessThan(limitMs);
        expect(await execMs(lab, 'web-2', ['sh', '-c', 'x=1; ls /'])).toBeLessThan(limitMs);
        expect(await execMs(lab, 'web-1', ['true'])).toBeLessThan(limitMs);
      }
      lab.restartContainer('web-1');
      await frozen;
    },
  );
});
