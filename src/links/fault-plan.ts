import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { FaultDocument } from './fault-document.js';
import { duration, type FaultKind } from './faults/fault-kind.js';
import { type FaultName, faults } from './faults/faults.js';
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
  ],
  'must be one of now, { idleFor }, { age }, { afterBytes }, { connection }, { event } and { every }',
);

const documentSchema = z.strictObject({
  id: z.string().min(1).optional(),
  on: z.strictObject({ from: z.string().optional(), to: z.string().optional() }).default({}),
  direction: z.enum(['both', 'toTarget', 'toClient']).default('both'),
  when: whenSchema.default('now'),
  do: z.unknown().optional(),
  for: duration.optional(),
  limit: positive.optional(),
  probability: z.number().min(0).max(1).default(1),
});

/** A document that was checked, with its defaults. */
export interface FaultPlan extends Omit<z.output<typeof documentSchema>, 'do'> {
  readonly name: FaultName;
  readonly kind: FaultKind<unknown>;
  readonly settings: unknown;
}

/** Checks a document, or finds a preset. Throws CONFIG_INVALID, whose text names the field and what would be right. */
export function planFault(document: FaultDocument | PresetName): FaultPlan {
  const { do: action, ...rest } = read(
    documentSchema,
    typeof document === 'string' ? preset(document) : document,
    '',
  );
  const [name, settings] = actionOf(action);
  const kind = faults[name] as FaultKind<unknown>;
  const field = `do.${name}`;
  const plan = { ...rest, name, kind, settings: read(kind.settings, settings, field) };
  checkTime(plan);
  return plan;
}

/** Refuses what would have no effect. */
function checkTime({ name, kind, when, for: forMs }: FaultPlan): void {
  const isOwn = typeof when === 'object' && ('idleFor' in when || 'age' in when || 'afterBytes' in when);
  if (!isOwn) return;
  if (kind.stage === undefined && kind.strike === undefined)
    throw invalid(`when: ${name} is for new connections: now, { connection }, { event } or { every }`);
  if (forMs !== undefined && kind.strike !== undefined)
    throw invalid(`for: ${name} at a connection's own time or count is for good`);
}

function preset(name: string): unknown {
  const found = (presets as Readonly<Record<string, { readonly fault: FaultDocument }>>)[name];
  if (found !== undefined && Object.hasOwn(presets, name)) return found.fault;
  throw invalid(`no preset is called ${name}; there are ${Object.keys(presets).join(', ')}`);
}

function actionOf(action: unknown): [FaultName, unknown] {
  const names = typeof action === 'object' && action !== null ? Object.entries(action) : [[action, {}]];
  const [name, settings] = names[0] ?? [];
  if (names.length === 1 && typeof name === 'string' && Object.hasOwn(faults, name))
    return [name as FaultName, settings];
  const known = Object.keys(faults).join(', ');
  const wrong =
    names.length > 1
      ? 'do has more than one fault'
      : `do: ${name === undefined ? 'nothing' : JSON.stringify(typeof name === 'string' ? name : typeof name)} is no fault`;
  throw invalid(`${wrong}; there are ${known}`);
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
