import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { packetFlags } from '../../../src/wire/carrier/packet-flags.js';

test.each(packetFlags)('this V8 knows %s', (flag) => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  const name = flag.replace(/^--(no-)?/, '').replace(/=.*$/, '');
  expect(known).toMatch(new RegExp(`^  --${name} \\(`, 'm'));
});
