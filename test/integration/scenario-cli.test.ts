import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { konnsim, scratchFolder } from '../support/konnsim.js';

const right = `kind: Scenario
name: right
title: It works
lab: { nodes: 1 }
steps:
  - exec: { pod: web-1, command: [hostname] }
    expect: { output: web-1 }
`;
const wrong = `kind: Scenario
name: wrong
title: It does not
lab: { nodes: 1, strategies: [destHost], seed: 7 }
steps:
  - { part: agent/node-1, do: kill }
  - events: [{ kind: backend.disconnected }]
  - exec: { pod: web-1, command: [hostname] }
    as: 'a "b" & <c>'
    expect: { fails: NO_AGENT, says: "it's <gone> & \\"away\\"" }
  - wait: 1h
`;

let folder: Awaited<ReturnType<typeof scratchFolder>>;
const scenario = (...args: string[]) => konnsim(['scenario', ...args], { cwd: folder.path });

beforeAll(async () => {
  folder = await scratchFolder();
  await writeFile(join(folder.path, 'right.yaml'), right);
  await writeFile(join(folder.path, 'wrong.yaml'), wrong);
  await writeFile(join(folder.path, 'broken.yaml'), `${right}  - wait: soon\n`);
});
afterAll(() => folder.remove());

it('prints steps and ends with 0 when all is as it says', async () => {
  const { stdout, stderr, code } = await scenario('run', 'right.yaml', '--seed', '5');
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toMatch(
    /^It works\n {2}✓ exec web-1 hostname {2}→ {2}web-1 {2}\(\d+ ms\)\n✓ right: .* seed 5\n/,
  );
});

it('stops at the first step that is wrong, with 4, the reason, and how to repeat it', async () => {
  const { stdout, code } = await scenario('run', 'wrong.yaml', 'right.yaml');
  expect(code).toBe(4);
  expect(stdout).toContain(
    '      expected the words: it\'s <gone> & "away"\n      seen: NO_AGENT: No agent available\n',
  );
  expect(stdout).toContain('the user saw   No agent available');
  expect(stdout).toContain('again: konnsim scenario run wrong.yaml --seed 7\n');
  expect(stdout).not.toContain('wait');
  expect(stdout).toContain('✓ right: ');
});

it('answers with JUnit and with JSON', async () => {
  const junit = await scenario('run', '--output', 'junit', 'wrong.yaml');
  expect(junit.code).toBe(4);
  expect(junit.stdout).toContain('<testsuite name="wrong" tests="3" failures="1"');
  expect(junit.stdout).toContain(
    '<failure message="expected the words: it\'s &lt;gone&gt; &amp; &quot;away&quot; …">',
  );
  const json = await scenario('run', '--output', 'json', 'right.yaml');
  expect(JSON.parse(json.stdout)).toMatchObject([
    { name: 'right', ok: true, steps: [{ seen: 'web-1\n', line: 6 }] },
  ]);
});

it('reads all files before it runs one', async () => {
  const { stdout, stderr, code } = await scenario('run', 'right.yaml', 'broken.yaml');
  expect([stdout, code]).toEqual(['', 2]);
  expect(stderr).toContain('broken.yaml:8:11: steps[1].wait: is no duration, such as 250ms or 60s');
  expect(await scenario('check', 'wrong.yaml')).toMatchObject({
    stdout: 'wrong.yaml: wrong, 4 steps\n',
    code: 0,
  });
  expect(await scenario('run', 'none.yaml')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('none.yaml'),
  });
});
