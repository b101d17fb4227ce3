import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import { badYaml, nearest, parseYamlTree, type YamlNode } from '../kube/yaml-tree.js';
import type { FaultDocument } from '../links/fault-document.js';
import { planFault } from '../links/fault-plan.js';
import { type Step, scenarioSchema, stepSchemas, type Verb } from './schema.js';

/** A scenario that was read and checked. `runScenario` runs it. */
export interface Scenario {
  /** Small letters, digits and dashes. */
  readonly name: string;
  /** What it shows, one sentence. */
  readonly title: string;
  /** The file that it is from. */
  readonly file: string;
  /** The checked document, for `runScenario`. */
  readonly document: unknown;
}

/** A step, and where it stands in the file. */
export type PlacedStep = Step & { readonly line: number };

interface ScenarioDocument extends Omit<z.output<typeof scenarioSchema>, 'steps'> {
  readonly steps: readonly PlacedStep[];
}

/** What is in a scenario, which `readScenarios` has checked. */
export function documentOf({ document }: Scenario): ScenarioDocument {
  return document as ScenarioDocument;
}

const headSchema = scenarioSchema.extend({ steps: z.array(z.unknown()).min(1) });

/** Reads all scenarios of a YAML or JSON text. Throws CONFIG_INVALID with file, line and column of the first mistake. */
export function readScenarios(file: string, text: string): readonly Scenario[] {
  const trees = parseYamlTree(file, text);
  const values = loadAll(text, { schema: CORE_SCHEMA }).filter((value) => value !== undefined);
  if (trees.length === 0) throw badYaml(file, { line: 1, column: 1 }, 'there is no scenario');
  return trees.map((tree, index) => scenarioOf(file, tree, values[index]));
}

function scenarioOf(file: string, tree: YamlNode, value: unknown): Scenario {
  const fail = (path: readonly PropertyKey[], what: string): never => {
    const field = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
    throw badYaml(
      file,
      nearest(tree, path),
      `${field === '' ? 'the document' : field.replace(/^\./, '')}: ${what}`,
    );
  };
  const head = check(headSchema, value, { at: [], fail });
  const steps = head.steps.map((step, index) => {
    const at = ['steps', index];
    const verb = verbOf(step) ?? fail(at, `must have one of ${Object.keys(stepSchemas).join(', ')}`);
    const checked = check(stepSchemas[verb] as z.ZodType<object>, step, { at, fail });
    const whole = { ...checked, verb, line: nearest(tree, at).line } as Step & { line: number };
    if (whole.verb === 'fault') checkFault(whole.fault, (what) => fail([...at, 'fault'], what));
    return whole;
  });
  const document: ScenarioDocument = { ...head, steps };
  return { name: head.name, title: head.title, file, document };
}

function verbOf(step: unknown): Verb | undefined {
  if (typeof step !== 'object' || step === null) return undefined;
  return (Object.keys(stepSchemas) as Verb[]).find((verb) => Object.hasOwn(step, verb));
}

interface Checking {
  readonly at: readonly PropertyKey[];
  readonly fail: (path: readonly PropertyKey[], what: string) => never;
}

function check<T>(schema: z.ZodType<T>, value: unknown, { at, fail }: Checking): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return fail([...at, ...issue.path, key], 'there is no such field');
  }
  return fail([...at, ...(issue?.path ?? [])], issue?.message ?? 'is not understood');
}

function checkFault(fault: unknown, fail: (what: string) => never): void {
  try {
    planFault(fault as FaultDocument);
  } catch (error) {
    fail(TunnelError.from(error).message);
  }
}

/** The schema of a scenario, for editors. */
export function scenarioJsonSchema(): object {
  return z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' });
}
