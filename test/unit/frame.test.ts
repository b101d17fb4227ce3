import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Scripts of `npm run check` that watch over what no test of behaviour sees. */
describe('the project', () => {
  it.each([
    ['has types generated from the proto files as they are', 'scripts/gen-proto.mjs', ['--check']],
    ['has imports in one direction only, every module seen', 'scripts/check-layers.mjs', []],
    ['has a README in each folder of src that names its files', 'scripts/check-readmes.mjs', []],
  ])('%s', async (_name, script, args) => {
    const { stderr } = await run(process.execPath, [script, ...args], { cwd: root });
    expect(stderr).toBe('');
  });
});
