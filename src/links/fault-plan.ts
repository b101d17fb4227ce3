import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { FaultDocument } from './fault-document.js';
import { duration, type FaultKind } from './faults/fault-kind.js';
import { faults, type LinkFaultName } from './faults/faults.js';
import type { PartFaultKind } from './part-faults/part-fault-kind.js';
import { type PartFaultName, partFaults } from './part-faults/part-faults.js';
import { type PresetName, presets } from './presets.js';

const positive = z.int().positive();
const whenSchema = z.union(
  [
    z.literal('now'),
    z.strictObject({ idleFor: duration }),
    z.strictObject({ age: duration }),
    z.strictObject({ afterBytes: positive }),
    z.strictObject({ connection: positive }),
    z.strictObject({
      event: z.string(),
      fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    }),
    z.strictObject({ every: duration.refine((ms) => ms > 0, 'must be above 0') }),
    z.strictObject({ nth: positive }),
  ],
  'must be one of now, { idleFor }, { age }, { afterBytes }, { connection }, { nth }, { event } and { every }',
);

const documentSchema = z.strictObject({
  id: z.string().min(1).optional(),
  on: z
    .strictObject({ from: z.string().optional(), to: z.string().optional(), part: z.string().optional() })
    .refine(
      ({ from, to, part }) => part === undefined || (from ?? to) === undefined,
      'takes from and to, or part',
    )
    .default({}),
  direction: z.enum(['both', 'toTarget', 'toClient']).default('both'),
  when: whenSchema.default('now'),
  do: z.unknown().optional(),
  for: duration.optional(),
  limit: positive.optional(),
  probability: z.number().min(0).max(1).default(1),
});

interface PlanBase extends Omit<z.output<typeof documentSchema>, 'do'> {
  readonly settings: unknown;
  /** As it was given, as JSON. */
  readonly source: string;
}

/** The checked document of a fault on links, with its defaults. */
export interface LinkPlan extends PlanBase {
  readonly level: 'link';
  readonly name: LinkFaultName;
  readonly kind: FaultKind<unknown>;
}

/** The checked document of a fault in parts, with its defaults. */
export interface PartPlan extends PlanBase {
  readonly level: 'part';
  readonly name: PartFaultName;
  readonly kind: PartFaultKind<unknown>;
}

/** A document that was checked, with its defaults. */
export type FaultPlan = LinkPlan | PartPlan;

/**
 * Checks a document, or finds a preset; `on` goes before that of the document. Throws CONFIG_INVALID, whose text names
 * the field and what would be right.
 */
export function planFault(document: FaultDocument | PresetName, on?: FaultPlan['on']): FaultPlan {
  const whole = typeof document === 'string' ? preset(document) : document;
  const { do: action, ...own } = read(documentSchema, whole, '');
  const [name, given] = actionOf(action);
  const place = on ?? own.on;
  const rest = { ...own, on: place, source: JSON.stringify({ ...(whole as FaultDocument), on: place }) };
  const plan = isPartFault(name)
    ? { ...rest, level: 'part' as const, name, ...withSettings(partFaults[name], name, given) }
    : { ...rest, level: 'link' as const, name, ...withSettings(faults[name], name, given) };
  if (plan.level === 'link') checkLinkTime(plan);
  else checkPart(plan);
  return plan;
}

function withSettings<K extends { readonly settings: z.ZodType }>(
  kind: K,
  name: string,
  given: unknown,
): { kind: never; settings: unknown } {
  // Each kind takes the settings of its own schema, which the compiler cannot see here.
  return { kind: kind as never, settings: read(kind.settings, given, `do.${name}`) };
}

/** Refuses what would have no effect. */
function checkLinkTime({ name, kind, when, for: forMs }: LinkPlan): void {
  if (typeof when === 'object' && 'nth' in when)
    throw invalid(`when: ${name} is on links: { connection } in place of { nth }`);
  const isOwn = typeof when === 'object' && ('idleFor' in when || 'age' in when || 'afterBytes' in when);
  if (!isOwn) return;
  if (kind.stage === undefined && kind.strike === undefined)
    throw invalid(`when: ${name} is for new connections: now, { connection }, { event } or { every }`);
  if (forMs !== undefined && kind.strike !== undefined)
    throw invalid(`for: ${name} at a connection's own time or count is for good`);
}

/** Refuses what would have no effect. */
function checkPart({ name, kind, on, when, direction }: PartPlan): void {
  const roles = kind.roles.map((role) => `${role}/…`).join(', ');
  if (on.part === undefined)
    throw invalid(`on: ${name} is a fault of parts: { part: '${kind.roles[0]}/*' }, of ${roles}`);
  if (direction !== 'both') throw invalid(`direction: ${name} has none`);
  if (typeof when !== 'object' || 'event' in when) return;
  if (kind.how === 'asked' && !('nth' in when))
    throw invalid(`when: ${name} takes now, { nth } or { event }`);
  if (kind.how === 'told' && !('every' in when))
    throw invalid(`when: ${name} takes now, { event } or { every }`);
}

function preset(name: string): unknown {
  const found = (presets as Readonly<Record<string, { readonly fault: FaultDocument }>>)[name];
  if (found !== undefined && Object.hasOwn(presets, name)) return found.fault;
  throw invalid(`no preset is called ${name}; there are ${Object.keys(presets).join(', ')}`);
}

type FaultName = LinkFaultName | PartFaultName;

function isPartFault(name: FaultName): name is PartFaultName {
  return Object.hasOwn(partFaults, name);
}

function actionOf(action: unknown): [FaultName, unknown] {
  const names = typeof action === 'object' && action !== null ? Object.entries(action) : [[action, {}]];
  const [name, settings] = names[0] ?? [];
  const known = { ...faults, ...partFaults };
  if (names.length === 1 && typeof name === 'string' && Object.hasOwn(known, name))
    return [name as FaultName, settings];
  const wrong =
    names.length > 1
      ? 'do has more than one fault'
      : `do: ${name === undefined ? 'nothing' : JSON.stringify(typeof name === 'string' ? name : typeof name)} is no fault`;
  throw invalid(`${wrong}; there are ${Object.keys(known).join(', ')}`);
}

function read<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [field, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.');
  throw invalid(`${path === '' ? 'the document' : path}: ${issue?.message}`);
}

function invalid(message: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', `fault: ${message}`, { where: 'links' });
}
