import { describe, expect, it } from 'vitest';
import { parseLogOptions } from '../../../src/kubelet-stub/log-options.js';

const now = Date.parse('2026-03-01T10:00:00Z');
const plain = { follow: false, previous: false, timestamps: false };
const options = (search: string) => {
  const parsed = parseLogOptions(search, now);
  return parsed.kind === 'ok' ? parsed.options : parsed.kind;
};

describe('the query of /containerLogs', () => {
  it('reads an empty query as everything, once', () => {
    expect(options('')).toEqual(plain);
  });

  it('reads every text except false and 0 as true', () => {
    expect(options('?follow=true&previous=1&timestamps=')).toEqual({
      follow: true,
      previous: true,
      timestamps: true,
    });
    expect(options('?follow=False&previous=0')).toEqual(plain);
  });

  it('counts sinceSeconds back from now', () => {
    expect(options('?sinceSeconds=90')).toEqual({ ...plain, sinceTimeMs: now - 90_000 });
  });

  it('reads sinceTime as RFC 3339 with any fraction and offset', () => {
    expect(options('?sinceTime=2026-03-01T11:00:00.123456789%2B01:00')).toEqual({
      ...plain,
      sinceTimeMs: now + 123,
    });
  });

  it('accepts the old name tail, where all means no limit', () => {
    expect(options('?tail=3')).toEqual({ ...plain, tailLines: 3 });
    expect(options('?tail=all&tailLines=3')).toEqual(plain);
  });

  it('ignores an empty tail', () => {
    expect(options('?tail=&tailLines=3')).toEqual({ ...plain, tailLines: 3 });
  });

  it('reads which stream is wanted', () => {
    expect(options('?stream=All&tailLines=3')).toEqual({ ...plain, tailLines: 3 });
    expect(options('?stream=Stdout')).toEqual({ ...plain, stream: 'stdout' });
    expect(options('?stream=Stderr&limitBytes=5')).toEqual({ ...plain, limitBytes: 5, stream: 'stderr' });
  });

  it.each([
    '?tailLines=1.5',
    '?limitBytes=',
    '?sinceSeconds=1h',
    '?sinceTime=2026-03-01',
    '?x=%zz',
    '?a=1;b=2',
  ])('cannot decode %s', (search) => expect(options(search)).toBe('undecodable'));

  it.each([
    '?tailLines=-1',
    '?limitBytes=0',
    '?stream=',
    '?stream=stdout',
    '?stream=Both',
    '?stream=Stdout&tailLines=3',
    '?stream=Stderr&tail=0',
    '?sinceSeconds=0',
    '?sinceSeconds=1&sinceTime=2026-03-01T10:00:00Z',
  ])('refuses %s as invalid', (search) => expect(options(search)).toBe('invalid'));
});
