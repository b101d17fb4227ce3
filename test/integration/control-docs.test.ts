import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startControlBench } from '../support/control-bench.js';

it('every curl line of the page answers what the page says', async () => {
  const text = await readFile(new URL('../../docs/control.md', import.meta.url), 'utf8');
  const lines = [...text.matchAll(/^(curl .+?) +# (.+)$/gm)];
  expect(lines.length).toBeGreaterThan(10);
  await using bench = await startControlBench();
  for (const [, line = '', wanted = ''] of lines) {
    const command = line.replaceAll('http://127.0.0.1:7575', bench.control.url);
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { timeout: 30_000 });
    expect(stdout, line).toContain(wanted);
  }
});
