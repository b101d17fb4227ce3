export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

const everything = '*';

/** The parts of `wanted`, sorted by text, that no single rule of `held` covers, as in a cluster. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly string[] {
  const missing = wanted.flatMap(partsOf).filter((part) => !held.some((rule) => covers(rule, part)));
  return [...new Set(compacted(missing).map(ruleText))].sort();
}

/** Splits a rule into rules of one verb, one group, one resource and at most one name, or of one verb and one path. */
function partsOf(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  const none = { apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };
  const names = resourceNames.length === 0 ? [[]] : resourceNames.map((name) => [name]);
  const ofObjects = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((named) => ({
          ...none,
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames: named,
        })),
      ),
    ),
  );
  const ofPaths = nonResourceURLs.flatMap((url) =>
    verbs.map((verb) => ({ ...none, verbs: [verb], nonResourceURLs: [url] })),
  );
  return [...ofObjects, ...ofPaths];
}

function covers(held: PolicyRule, part: PolicyRule): boolean {
  const all = (of: readonly string[], wanted: readonly string[]): boolean =>
    of.includes(everything) || wanted.every((each) => of.includes(each));
  const named =
    held.resourceNames.length === 0 ||
    (part.resourceNames.length > 0 && part.resourceNames.every((name) => held.resourceNames.includes(name)));
  return (
    all(held.verbs, part.verbs) &&
    all(held.apiGroups, part.apiGroups) &&
    part.resources.every((resource) => coversResource(held.resources, resource)) &&
    named &&
    part.nonResourceURLs.every((url) => held.nonResourceURLs.some((own) => coversPath(own, url)))
  );
}

function coversResource(held: readonly string[], resource: string): boolean {
  const slash = resource.indexOf('/');
  return (
    held.includes(everything) ||
    held.includes(resource) ||
    (slash !== -1 && held.includes(`*${resource.slice(slash)}`))
  );
}

/** Whether a path, which may end in `*`, is covered by another one. */
export function coversPath(held: string, path: string): boolean {
  return held === path || (held.endsWith('*') && path.startsWith(held.replace(/\*+$/, '')));
}

/** Joins rules that differ only in their verb. */
function compacted(parts: readonly PolicyRule[]): readonly PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const part of parts) {
    const { verbs, ...rest } = part;
    const key = JSON.stringify(part.nonResourceURLs.length > 0 ? part : rest);
    const before = joined.get(key);
    joined.set(key, before === undefined ? part : { ...part, verbs: [...before.verbs, ...verbs] });
  }
  return [...joined.values()];
}

/** As Go prints a rule in error texts: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
function ruleText(rule: PolicyRule): string {
  const fields: readonly (readonly [string, readonly string[]])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const given = fields.filter(([, values]) => values.length > 0);
  return `{${given.map(([name, values]) => `${name}:${goList(values)}`).join(', ')}}`;
}

/** `["a" "b"]`. */
export function goList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
