import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentOf, readScenarios, scenarioJsonSchema } from '../../../src/scenario/read.js';
import { stepSchemas } from '../../../src/scenario/schema.js';

const head = 'kind: Scenario\nname: a\ntitle: A\nsteps:\n';

describe('a mistake is told with file, line and column', () => {
  it.each([
    ['', 'f:1:1: there is no scenario'],
    ['kind: Scenario\nname: [', /^f:\d:\d+: no YAML: /],
    ['kind: Pod\nname: a\ntitle: A\nsteps: [{ wait: 1s }]\n', /^f:1:7: kind: /],
    [`${head}  - wait: soon\n`, 'f:5:11: steps[0].wait: is no duration, such as 250ms or 60s'],
    [`${head}  - wait: 1s\n  - { jump: high }\n`, /^f:6:5: steps\[1\]: must have one of exec, logs, /],
    [`${head}  - wait: 1s\n    after: x\n`, 'f:6:12: steps[0].after: there is no such field'],
    [`${head}  - fault: { do: explode }\n`, /^f:5:12: steps\[0\]\.fault: fault: do: "explode" is no fault; /],
    [`${head}  - fault: sometimes\n`, /^f:5:12: steps\[0\]\.fault: fault: no preset is called sometimes; /],
    [
      `${head}  - exec: { pod: a, command: [b] }\n    expect: { fails: NEVER }\n`,
      /^f:6:22: steps\[0\]\.expect\.fails: /,
    ],
    [`${head}  - { wait: 1s }\nlab: { nodes: none }\n`, /^f:6:15: lab\.nodes: /],
    [`${head}  - { wait: 1s }\nlab: { behaviours: [{ kind: Exec }] }\n`, /^f:6:\d+: .*behaviours/],
  ])('%j', (text, message) => {
    const wanted = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(() => readScenarios('f', text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: wanted }),
    );
  });
});

it('reads several documents, and durations as ms', () => {
  const text = `${head}  - wait: 1m30s\n---\n${head.replace('name: a', 'name: b')}  - heal: true\n`;
  const [first, second] = readScenarios('f', text);
  expect(first && documentOf(first).steps[0]).toMatchObject({ verb: 'wait', wait: 90_000, line: 5 });
  expect(second).toMatchObject({ name: 'b', document: { steps: [{ verb: 'heal', line: 11 }] } });
});

it('has a JSON Schema with all verbs', () => {
  const text = JSON.stringify(scenarioJsonSchema());
  for (const verb of Object.keys(stepSchemas)) expect(text).toContain(`"required":["${verb}"`);
});

it('docs/scenarios.md names all verbs', () => {
  const page = readFileSync(new URL('../../../docs/scenarios.md', import.meta.url), 'utf8');
  const [, below = ''] = page.split('## Steps');
  const named = [...below.matchAll(/^\| `([a-zA-Z]+):/gm)].map(([, verb]) => verb);
  expect(named).toEqual(Object.keys(stepSchemas));
});
