import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../../../src/apiserver/resources/api-object.js';
import { findKind } from '../../../src/apiserver/resources/catalogue.js';
import { parseFieldSelector } from '../../../src/apiserver/resources/field-selector.js';
import { parseLabelSelector } from '../../../src/kube/label-selector.js';
import { node, pod } from './objects.js';

const web = pod({ name: 'web-1', labels: { app: 'web', tier: 'front', 'example.com/x': '1' } });

describe('a label selector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web', true],
    ['app!=web', false],
    ['nope!=x', true],
    ['app=web,tier=back', false],
    ['app in (db, web)', true],
    ['app in (db),tier=front', false],
    ['app notin (db,cache),tier', true],
    ['nope notin (a)', true],
    ['nope in ()', false],
    ['tier', true],
    ['!tier', false],
    ['! nope', true],
    ['example.com/x=1', true],
  ])('%s matches: %s', (text, expected) => {
    expect(parseLabelSelector(text)?.(web)).toBe(expected);
  });

  it.each(['app=', 'app'])('%s is valid too', (text) => {
    expect(parseLabelSelector(text)).toBeDefined();
  });

  it.each(['=web', 'app=a=b', 'app in web', 'a,,b', 'app in (a', '*', 'a b'])('%s is invalid', (text) => {
    expect(parseLabelSelector(text)).toBeUndefined();
  });
});

function select(text: string, object = web as ApiObject) {
  const resource = findKind('v1', object.kind);
  if (resource === undefined) throw new Error('no such kind');
  const parsed = parseFieldSelector(text, resource);
  return parsed.kind === 'ok' ? parsed.matches(object) : parsed.message;
}

describe('a field selector', () => {
  it.each([
    ['metadata.name=web-1', true],
    ['metadata.name!=web-1', false],
    ['spec.nodeName=node-1,status.phase!=Failed,status.phase!=Succeeded', true],
    ['spec.nodeName=node-2', false],
    ['status.nominatedNodeName=', true],
    ['metadata.name=a\\,b', false],
    ['', true],
  ])('%s matches: %s', (text, expected) => {
    expect(select(text)).toBe(expected);
  });

  it('treats an absent boolean as false', () => {
    expect(select('spec.unschedulable=false', node('node-1'))).toBe(true);
  });

  it('refuses a field that the kind does not offer', () => {
    expect(select('spec.containers=x')).toBe('field label not supported: spec.containers');
  });

  it('refuses what is not a comparison', () => {
    expect(select('metadata.name')).toContain("invalid selector: 'metadata.name'");
  });
});
