import { type FieldError, invalidValue, tooLong } from '../request/invalid.js';

const subdomainForm = String.raw`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`;
const labelForm = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const startsWithLetterForm = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedNameForm = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValueForm = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';

/** The forms of names: RFC 1123 subdomains, RFC 1123 labels, RFC 1035 labels, or path segments. */
export type NameForm = 'subdomain' | 'label' | 'label-1035' | 'path-segment';

interface Rule {
  readonly form: string;
  readonly most: number;
  readonly text: string;
  readonly examples: readonly string[];
}

const rules: Readonly<Record<Exclude<NameForm, 'path-segment'>, Rule>> = {
  subdomain: {
    form: subdomainForm,
    most: 253,
    text: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    examples: ['example.com'],
  },
  label: {
    form: labelForm,
    most: 63,
    text: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    examples: ['my-name', '123-abc'],
  },
  'label-1035': {
    form: startsWithLetterForm,
    most: 63,
    text: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    examples: ['my-name', 'abc-123'],
  },
};

const compiled = new Map<string, RegExp>();

/** A regular expression for the whole text. */
function whole(form: string): RegExp {
  const known = compiled.get(form) ?? new RegExp(`^(?:${form})$`);
  compiled.set(form, known);
  return known;
}

/** Why a name is invalid, in Kubernetes' words; empty for a valid one. */
export function nameProblems(name: string, form: NameForm): readonly string[] {
  if (form === 'path-segment') return pathSegmentProblems(name);
  const rule = rules[form];
  const problems: string[] = [];
  if (name.length > rule.most) problems.push(`must be no more than ${rule.most} characters`);
  if (!whole(rule.form).test(name)) problems.push(regexText(rule.text, rule.form, rule.examples));
  return problems;
}

function pathSegmentProblems(name: string): readonly string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((mark) => name.includes(mark)).map((mark) => `may not contain '${mark}'`);
}

function regexText(text: string, form: string, examples: readonly string[]): string {
  const list = examples.map((example) => `'${example}'`).join(',  or ');
  return `${text} (e.g. ${list}, regex used for validation is '${form}')`;
}

export function labelErrors(labels: unknown, field: string): readonly FieldError[] {
  if (typeof labels !== 'object' || labels === null) return [];
  return Object.entries(labels).flatMap(([key, value]) => {
    const problems = qualifiedNameProblems(key).map((text) => invalidValue(field, key, text));
    const text = String(value);
    if (text.length > 63) problems.push(tooLong(field, 'may not be more than 63 bytes'));
    if (!whole(labelValueForm).test(text)) problems.push(invalidValue(field, text, labelValueText));
    return problems;
  });
}

/** The limit for the bytes of all annotations of an object. */
const maxAnnotationBytes = 256 * 1024;

/** Keys of annotations are qualified names in any case. */
export function annotationErrors(annotations: unknown, field: string): readonly FieldError[] {
  if (typeof annotations !== 'object' || annotations === null) return [];
  const errors = Object.keys(annotations).flatMap((key) =>
    qualifiedNameProblems(key.toLowerCase()).map((text) => invalidValue(field, key, text)),
  );
  const bytes = Object.entries(annotations).flat().map(String).join('');
  if (Buffer.byteLength(bytes) > maxAnnotationBytes)
    errors.push(tooLong(field, `may not be more than ${maxAnnotationBytes} bytes`));
  return errors;
}

const labelValueText = regexText(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  labelValueForm,
  ['MyValue', 'my_value', '12345'],
);

/** `name` or `prefix/name`, as in keys of labels. */
export function qualifiedNameProblems(key: string): readonly string[] {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) return [qualifiedNameText];
  const problems: string[] = [];
  if (parts.length === 2)
    problems.push(...nameProblems(parts[0] ?? '', 'subdomain').map((text) => `prefix part ${text}`));
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push('name part must be no more than 63 characters');
  else if (!whole(qualifiedNameForm).test(name)) problems.push(`name part ${qualifiedNameText}`);
  return problems;
}

const qualifiedNameText = regexText(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualifiedNameForm,
  ['MyName', 'my.name', '123-abc'],
);
