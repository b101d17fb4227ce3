import { expect, it } from 'vitest';
import { namePattern } from '../../../src/links/edge.js';

it.each([
  ['*', 'agent/node-1', true],
  ['agent/*', 'agent/node-1', true],
  ['agent/*', 'server/server-1', false],
  ['agent/node-1', 'agent/node-1', true],
  ['agent/node-1', 'agent/node-11', false],
  ['server/1', 'server/server-1', true],
  ['server/1', 'server/server-11', false],
  ['agent/2', 'agent/node-2', true],
  ['pod/*/*/web-1', 'pod/default/web-1', false],
  ['*a*a*a*a*a*a*a*a*x', 'a'.repeat(50_000), false],
  ['a*a', 'a', false],
  ['pod/*/web-*', 'pod/default/web-1', true],
  ['pod/default/web.1', 'pod/default/web-1', false],
  ['target/127.0.0.1:*', 'target/127.0.0.1:8091', true],
])('%s chooses %s: %s', (pattern, name, chosen) => {
  expect(namePattern(pattern)(name)).toBe(chosen);
});
