import { beforeAll, describe, expect, it } from 'vitest';
import { type Cel, loadCel } from '../../../src/apiserver/cel/library.js';
import { createCelBudget } from '../../../src/apiserver/cel/time-limit.js';

let cel: Cel;
beforeAll(async () => {
  cel = await loadCel();
});

/** Replaced by itself it would be longer than the engine's longest string, and the engine's own error would be reported. */
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

  it('does not reduce the limit of the next one', () => {
    expect(() => evaluate('object.k.replace("a", object.k) == ""')).toThrow('cost limit exceeded');
    expect(evaluate('object.k.replace("a", "b").size() == 30000')).toBe(true);
  });
});

describe('a search in a long text', () => {
  const long = 'a'.repeat(500_000);
  const object = { k: long, list: [{ n: `${'a'.repeat(125_000)}b${'a'.repeat(125_000)}` }], short: 'a/b/c' };
  function search(expression: string, variables: Readonly<Record<string, unknown>> = { object }): unknown {
    const compiled = cel.compile(expression);
    if (compiled.kind === 'problem') throw new Error(compiled.problem);
    return compiled.run(variables, createCelBudget());
  }

  // Each of them is one call of the engine that takes seconds or minutes, past every limit of time.
  it.each([
    'object.k.contains(object.list[0].n)',
    'object.k.indexOf(object.list[0].n) == 0',
    'object.k.lastIndexOf(object.list[0].n) == 0',
    'object.k.split(object.list[0].n).size() == 1',
    'object.k.replace(object.list[0].n, "") == ""',
    'cel.bind(x, object.list[0].n, object.k.contains(x))',
    'object.list.exists(each, object.k.contains(each.n))',
    `object.k.contains("${'a'.repeat(65)}")`,
  ])('is cancelled before it begins: %s', (expression) => {
    expect(() => search(expression)).toThrow('operation cancelled: actual cost limit exceeded');
    expect(() => search(expression, { object: null, oldObject: object })).toThrow('cost limit exceeded');
  });

  it.each([
    'object.k.lastIndexOf("aa") == 499998',
    'object.k.contains("b") == false',
    'object.short.split("/").size() == 3',
    'object.k == object.k && object.k.startsWith(object.short) == false',
  ])('goes on for a short one: %s', (expression) => {
    expect(search(expression)).toBe(true);
  });

  it('may search for any text in an object with short texts', () => {
    expect(search('object.a.contains(object.b)', { object: { a: 'a/b', b: '/' } })).toBe(true);
  });
});
