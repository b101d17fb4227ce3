import { expect, it } from 'vitest';
import { plotSvg } from '../../bench/plot.js';

const points = [100, 1000, 10_000].map((x, index) => ({ x, y: 12 + 20 * index }));

it('a plot has powers of ten at equal distances, y from 0 in round steps, and each series by its name', () => {
  const svg = plotSvg([{ title: 'a < b', xTitle: 'count', series: [{ name: 'ours', points }] }]);
  const line = /class="line s0" d="M([\d.]+) [\d.]+L([\d.]+) [\d.]+L([\d.]+) [\d.]+"/.exec(svg);
  const [, first, second, third] = (line ?? []).map(Number);
  expect((second ?? 0) - (first ?? 0)).toBeCloseTo((third ?? 0) - (second ?? 0), 0);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
  expect(texts).toEqual([
    'a &lt; b',
    '0',
    '10',
    '20',
    '30',
    '40',
    '50',
    '60',
    '100',
    '1,000',
    '10,000',
    'count',
    'ours',
  ]);
});

it('a plot leaves out what was not measured', () => {
  const unmeasured = points.map(({ x }) => ({ x, y: Number.NaN }));
  const svg = plotSvg([{ title: 't', xTitle: 'x', series: [{ name: 'real', points: unmeasured }] }]);
  expect(svg).not.toContain('NaN');
  expect(svg).not.toContain('Infinity');
});
