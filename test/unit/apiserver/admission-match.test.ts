import { expect, it } from 'vitest';
import type { Webhook } from '../../../src/apiserver/admission/configurations.js';
import { isConcerned, selects } from '../../../src/apiserver/admission/match.js';
import type { AdmissionRequest } from '../../../src/apiserver/request/admission.js';
import { findResource } from '../../../src/apiserver/resources/catalogue.js';
import { createObjectStore } from '../../../src/apiserver/store/object-store.js';
import { createRealClock } from '../../../src/core/clock.js';

const store = createObjectStore({}, createRealClock());
store.put({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name: 'team', uid: 'u', creationTimestamp: '2024-01-01T00:00:00Z', labels: { env: 'prod' } },
});

const hook: Webhook = {
  ...{ name: 'a.b.c', id: 'x/0', type: 'validating', rules: [], namespaceSelector: {}, objectSelector: {} },
  matchConditions: [],
  ...{ clientConfig: {}, timeoutSeconds: 10, ignoresFailure: false, reinvokes: false },
  ...{ sideEffects: 'None', reviewVersion: 'v1' },
} as const;

const { signal } = new AbortController();
function request(group: string, plural: string, more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const resource = findResource(group, 'v1', plural);
  if (resource === undefined) throw new Error(`no ${plural}`);
  const user = { name: 'me', groups: [] };
  return { operation: 'CREATE', resource, name: 'x', user, dryRun: false, request: 'r', signal, ...more };
}

const rule = (more: object): Webhook => ({
  ...hook,
  rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], ...more }],
});

it.each([
  ['pods', '', true],
  ['pods', 'status', false],
  ['pods/status', 'status', true],
  ['pods/*', 'status', true],
  ['*/status', 'status', true],
  ['*', '', true],
  ['*', 'status', false],
  ['*/*', 'status', true],
  ['services', '', false],
])('a rule for %s and a request with subresource "%s": %s', (pattern, subresource, isMeant) => {
  const asked = request('', 'pods', {
    namespace: 'team',
    ...(subresource === '' ? {} : { subresource }),
  });
  expect(isConcerned(rule({ resources: [pattern] }), asked, store)).toBe(isMeant);
});

it('operations, groups and versions must all be named', () => {
  const asked = request('apps', 'deployments', { namespace: 'team' });
  expect(isConcerned(rule({ operations: ['UPDATE'] }), asked, store)).toBe(false);
  expect(isConcerned(rule({ operations: ['UPDATE', 'CREATE'] }), asked, store)).toBe(true);
  expect(isConcerned(rule({ apiGroups: [''] }), asked, store)).toBe(false);
  expect(isConcerned(rule({ apiVersions: ['v1beta1'] }), asked, store)).toBe(false);
});

it('a namespace is cluster-wide, and is selected by its own labels', () => {
  const object = { metadata: { name: 'new', labels: { env: 'test' } } };
  const asked = request('', 'namespaces', { namespace: 'new', object });
  expect(isConcerned(rule({ scope: 'Namespaced' }), asked, store)).toBe(false);
  expect(isConcerned(rule({ scope: 'Cluster' }), asked, store)).toBe(true);
  const matchLabels = { env: 'test' };
  expect(isConcerned({ ...rule({}), namespaceSelector: { matchLabels } }, asked, store)).toBe(true);
  expect(
    isConcerned({ ...rule({}), namespaceSelector: { matchLabels: { env: 'prod' } } }, asked, store),
  ).toBe(false);
});

it('objects are selected by the labels of their namespace', () => {
  const asked = request('', 'pods', { namespace: 'team' });
  const selecting = (values: string[]): Webhook => ({
    ...rule({}),
    namespaceSelector: { matchExpressions: [{ key: 'env', operator: 'In', values }] },
  });
  expect(isConcerned(selecting(['prod']), asked, store)).toBe(true);
  expect(isConcerned(selecting(['test']), asked, store)).toBe(false);
  expect(() => isConcerned(selecting(['test']), { ...asked, namespace: 'none' }, store)).toThrow('not found');
});

it('an object may match by its old or its new state', () => {
  const objectSelector = { matchLabels: { a: 'b' } };
  const labelled = { metadata: { labels: { a: 'b' } } };
  const bare = { metadata: {} };
  const concerned = (more: Partial<AdmissionRequest>): boolean =>
    isConcerned({ ...rule({}), objectSelector }, request('', 'pods', { namespace: 'team', ...more }), store);
  expect(concerned({ object: labelled, oldObject: bare })).toBe(true);
  expect(concerned({ object: bare, oldObject: labelled })).toBe(true);
  expect(concerned({ object: bare, oldObject: bare })).toBe(false);
});

it.each([
  ['In', ['a', 'b'], true, false],
  ['NotIn', ['a'], false, true],
  ['Exists', [], true, false],
  ['DoesNotExist', [], false, true],
])('operator %s', (operator, values, withLabel, without) => {
  const selector = { matchExpressions: [{ key: 'k', operator, values }] };
  expect(selects(selector, new Map([['k', 'a']]))).toBe(withLabel);
  expect(selects(selector, new Map())).toBe(without);
});
