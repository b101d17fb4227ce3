import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parseYaml } from '../../../src/apiserver/request/parse.js';

it('long YAML is parsed outside of the event loop, so that other requests are answered in the meantime', async () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1\n`).join('');
  const parsed = parseYaml(text);
  const turns = Array.from({ length: 3 }, () => nextTurn('a turn'));
  expect(await Promise.race([parsed.then(() => 'parsed'), Promise.all(turns)])).toEqual(
    turns.map(() => 'a turn'),
  );
  expect(Object.keys((await parsed) as object)).toHaveLength(20_000);
});
