import { beforeAll, describe, expect, it } from 'vitest';
import { type Cel, loadCel } from '../../../src/apiserver/cel/library.js';
import { createCelBudget } from '../../../src/apiserver/cel/time-limit.js';

let cel: Cel;
beforeAll(async () => {
  cel = await loadCel();
});

/** Replaced by itself it would be longer than any string of the engine, whose own error would then be told. */
const text = 'a'.repeat(30_000);

function evaluate(expression: string): unknown {
  const compiled = cel.compile(expression);
  if (compiled.kind === 'problem') throw new Error(compiled.problem);
  return compiled.run({ object: { k: text } }, createCelBudget());
}

describe('an expression that builds a long text', () => {
  it.each([
    'object.k.replace("a", object.k).size() > 0',
    'object.k.replace("", object.k).size() > 0',
    'object.k.replace("aa", object.k).replace("aa", object.k).size() > 0',
    '[1, 2, 3].all(x, object.k.replace("a", object.k).size() > x)',
    // An "or" forgives other errors.
    'object.k.replace("a", object.k).size() > 0 || true',
    'true || false ? object.k.replace("a", object.k) != "" || true : true',
  ])('is cancelled before it does: %s', (expression) => {
    expect(() => evaluate(expression)).toThrow('operation cancelled: actual cost limit exceeded');
  });

  it.each([
    'object.k.replace("a", "bc").size() == 60000',
    'object.k.replace("a", "").size() == 0',
    'object.k.find("^a+$").size() == 30000',
  ])('goes on while it is short: %s', (expression) => {
    expect(evaluate(expression)).toBe(true);
  });

  it('leaves the next one its whole cost', () => {
    expect(() => evaluate('object.k.replace("a", object.k) == ""')).toThrow('cost limit exceeded');
    expect(evaluate('object.k.replace("a", "b").size() == 30000')).toBe(true);
  });
});
