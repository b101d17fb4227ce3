type Labels = Readonly<Record<string, string>>;
type LabelTest = (labels: Labels) => boolean;
type Labelled = { readonly metadata: { readonly labels?: Labels } };

const key = String.raw`(?:[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)`;
const setForm = new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`);
const equalityForm = new RegExp(String.raw`^(${key})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)$`);
const existenceForm = new RegExp(String.raw`^(!?)\s*(${key})$`);

/** `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas. Undefined for an invalid text. */
export function parseLabelSelector(text: string): ((object: Labelled) => boolean) | undefined {
  const tests: LabelTest[] = [];
  for (const requirement of splitOutsideParentheses(text)) {
    const test = parseRequirement(requirement.trim());
    if (test === undefined) return undefined;
    tests.push(test);
  }
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

function parseRequirement(text: string): LabelTest | undefined {
  const equality = equalityForm.exec(text);
  if (equality !== null) {
    const [, name = '', operator, value = ''] = equality;
    return operator === '!=' ? (labels) => labels[name] !== value : (labels) => labels[name] === value;
  }
  const set = setForm.exec(text);
  if (set !== null) {
    const [, name = '', operator, values = ''] = set;
    const allowed = new Set(values.split(',').map((value) => value.trim()));
    const isIn = (labels: Labels): boolean => Object.hasOwn(labels, name) && allowed.has(labels[name] ?? '');
    return operator === 'in' ? isIn : (labels) => !isIn(labels);
  }
  const existence = existenceForm.exec(text);
  if (existence === null) return undefined;
  const [, not, name = ''] = existence;
  return (labels) => Object.hasOwn(labels, name) === (not === '');
}

function splitOutsideParentheses(text: string): string[] {
  if (text.trim() === '') return [];
  return text.split(/,(?![^(]*\))/);
}
