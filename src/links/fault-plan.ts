import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import { eventKinds } from '../core/event-kinds.js';
import type { FaultDocument } from './fault-document.js';
import { duration, type FaultKind } from './faults/fault-kind.js';
import { faults, type LinkFaultName } from './faults/faults.js';
import type { PacketFaultKind } from './packet-faults/packet-fault-kind.js';
import { type PacketFaultName, packetFaults } from './packet-faults/packet-faults.js';
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

const name = z.string();
const group = z.array(name).min(1);
const onSchema = z
  .strictObject({
    from: name.optional(),
    to: name.optional(),
    part: name.optional(),
    between: group.optional(),
    and: group.optional(),
  })
  .refine(({ from, to, part, between, and }) => {
    const ways = [from ?? to, part, between ?? and].filter((way) => way !== undefined);
    return ways.length <= 1 && (between === undefined) === (and === undefined);
  }, 'takes from and to, or part, or between and and');

const documentSchema = z.strictObject({
  id: z.string().min(1).optional(),
  on: onSchema.default({}),
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

/** The checked document of a fault of packets, with its defaults. */
export interface PacketPlan extends PlanBase {
  readonly level: 'packet';
  readonly name: PacketFaultName;
  readonly kind: PacketFaultKind<unknown>;
}

/** A document that was checked, with its defaults. */
export type FaultPlan = LinkPlan | PartPlan | PacketPlan;

/**
 * Checks a document, or finds a preset; `on` goes before that of the document. Throws CONFIG_INVALID, whose text names
 * the field and what would be right.
 */
export function planFault(document: FaultDocument | PresetName, on?: FaultPlan['on']): FaultPlan {
  const whole = typeof document === 'string' ? preset(document) : document;
  const { do: action, ...own } = read(documentSchema, whole, '');
  checkEvent(own.when);
  const [name, given] = actionOf(action);
  const place = on ?? own.on;
  const rest = { ...own, on: place, source: JSON.stringify({ ...(whole as FaultDocument), on: place }) };
  const plan = levelled(name, given, rest);
  if (plan.level === 'link') checkLinkTime(plan);
  else if (plan.level === 'part') checkPart(plan);
  else checkPacket(plan);
  return plan;
}

function levelled(name: FaultName, given: unknown, rest: Omit<PlanBase, 'settings'>): FaultPlan {
  if (isOf(partFaults, name))
    return { ...rest, level: 'part', name, ...withSettings(partFaults[name], name, given) };
  if (isOf(packetFaults, name))
    return { ...rest, level: 'packet', name, ...withSettings(packetFaults[name], name, given) };
  return { ...rest, level: 'link', name, ...withSettings(faults[name], name, given) };
}

function withSettings<K extends { readonly settings: z.ZodType }>(
  kind: K,
  name: string,
  given: unknown,
): { kind: never; settings: unknown } {
  // Each kind takes the settings of its own schema, which the compiler cannot see here.
  return { kind: kind as never, settings: read(kind.settings, given, `do.${name}`) };
}

/** Refuses an event that never happens, and names those that are spelt much alike. */
function checkEvent(when: PlanBase['when']): void {
  const event = eventOf(when);
  if (event === undefined) return;
  if (eventKinds.some((kind) => kind === event)) return;
  const words = event
    .toLowerCase()
    .split('.')
    .filter((word) => word !== '');
  const near = eventKinds.filter((kind) =>
    kind.split('.').some((part) => words.some((word) => isNear(part, word))),
  );
  const known = near.length === 0 ? eventKinds : near;
  throw invalid(`when.event: no event is called ${JSON.stringify(event)}; there are ${known.join(', ')}`);
}

/** Two words that begin alike. */
function isNear(one: string, other: string): boolean {
  const length = Math.min(one.length, other.length, 5);
  return length > 2 && one.slice(0, length) === other.slice(0, length);
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

/** Refuses what would have no effect. */
function checkPacket({ name, kind, when, direction, for: forMs, limit }: PacketPlan): void {
  const [own] = typeof when === 'object' ? Object.keys(when) : ['now'];
  const known =
    kind.turn === undefined ? ['now', 'idleFor', 'age', 'event', 'every'] : ['now', 'nth', 'event'];
  if (!known.includes(own ?? '')) throw invalid(`when: ${name} takes ${known.join(', ')}`);
  if (kind.turn === undefined && forMs !== undefined) throw invalid(`for: ${name} is done at once`);
  if (name === 'inject' && eventOf(when) === 'packet' && limit === undefined)
    throw invalid('limit: what is put in at each packet is a packet, too, and would have no end');
  if (name === 'resetStream' && direction !== 'both') throw invalid(`direction: ${name} has none`);
}

function eventOf(when: PlanBase['when']): string | undefined {
  return typeof when === 'object' && 'event' in when ? when.event : undefined;
}

function preset(name: string): unknown {
  const found = (presets as Readonly<Record<string, { readonly fault: FaultDocument }>>)[name];
  if (found !== undefined && Object.hasOwn(presets, name)) return found.fault;
  throw invalid(`no preset is called ${name}; there are ${Object.keys(presets).join(', ')}`);
}

type FaultName = LinkFaultName | PartFaultName | PacketFaultName;

function isOf<K extends FaultName>(kinds: Readonly<Record<K, unknown>>, name: FaultName): name is K {
  return Object.hasOwn(kinds, name);
}

/** What stands there in place of a name. Not every value has a text. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function actionOf(action: unknown): [FaultName, unknown] {
  const isPlain = typeof action === 'object' && action !== null && !Array.isArray(action);
  const names = isPlain ? Object.entries(action) : [[action, {}]];
  const [name, settings] = names[0] ?? [];
  const known = { ...faults, ...packetFaults, ...partFaults };
  if (names.length === 1 && typeof name === 'string' && Object.hasOwn(known, name))
    return [name as FaultName, settings];
  const given = typeof name === 'string' ? JSON.stringify(name) : kindOf(name);
  const wrong = names.length > 1 ? 'do has more than one fault' : `do: ${given} is no fault`;
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
