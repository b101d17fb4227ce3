import { describe, expect, it } from 'vitest';
import { withBlock, withTable } from '../../bench/page.js';

const page =
  'Before.\n\n<!-- bench: a -->\nold\n<!-- bench: end -->\n\n<!-- bench: b -->\n<!-- bench: end -->\n';

describe('the page that the bench writes into', () => {
  it('gets a text between the markers of its name, again and again, and keeps the rest', () => {
    const once = withBlock(page, 'a', 'new');
    expect(once).toBe(
      'Before.\n\n<!-- bench: a -->\n\nnew\n\n<!-- bench: end -->\n\n<!-- bench: b -->\n<!-- bench: end -->\n',
    );
    expect(withBlock(once, 'a', 'new')).toBe(once);
  });

  it('must have the markers', () => {
    expect(() => withBlock(page, 'c', 'new')).toThrow('the page has no place for "c"');
  });

  it('keeps the line of a figure that a run has not measured', () => {
    const heads = ['figure', 'measured'];
    const first = withTable(page, 'b', [heads, ['one', '1'], ['two', '2']]);
    const second = withTable(first, 'b', [heads, ['one', '-'], ['two', '3'], ['three', '-']]);
    expect(second).toContain(
      '\n| figure | measured |\n| --- | --- |\n| one | 1 |\n| two | 3 |\n| three | - |\n\n<!-- bench: end -->',
    );
  });
});
