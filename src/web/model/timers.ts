import { namePattern } from '../../links/edge.js';
import type { LinkFaultName } from '../../links/faults/faults.js';
import type { FaultState, State, Tunnel } from './state.js';

/** What the faults that are set do to the connection of an agent: words, and the timer of a device. */
export interface DeviceView {
  /** `forgets after 60 s idle`, for each fault. */
  readonly words: readonly string[];
  /** After how long without a byte the device ends the flow, ms. */
  readonly idleMs?: number;
  /** After how long it ends any flow, ms. */
  readonly ageMs?: number;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1m30s` → 90000. Undefined for what is no duration. */
export function durationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  let total: number | undefined;
  for (const [, amount = '', unit = ''] of value.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    total = (total ?? 0) + Number(amount) * (units[unit] ?? 0);
  }
  return total;
}

/** `60 s`, `1 h`, `250 ms`. */
export function durationText(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  if (ms >= 1000) return `${round(ms / 1000)} s`;
  return `${round(ms)} ms`;
}

const round = (value: number): number => (value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);

export const isActive = ({ healedAt }: FaultState): boolean => healedAt === undefined;

/** Why a part does nothing: it was killed or stopped, or is frozen. Undefined while it is well. */
export function ailment({ parts, faults }: State, id: string): 'killed' | 'stopped' | 'frozen' | undefined {
  const is = parts.get(id)?.state;
  if (is !== undefined && is !== 'running') return is;
  return [...faults.values()].some((fault) => isActive(fault) && freezes(fault, id)) ? 'frozen' : undefined;
}

function freezes({ action, document }: FaultState, id: string): boolean {
  const on = document?.on;
  return action === 'freeze' && on !== undefined && 'part' in on && namePattern(on.part)(id);
}

/** The outline of a part: dashed for one that is gone, double for one that is frozen. */
export const ailmentClass = (is: ReturnType<typeof ailment>): string =>
  is === undefined ? '' : is === 'frozen' ? ' frozen' : ' dead';

/** The faults that a part can have on all its links. Others of a part are not in the network. */
const onLinks: ReadonlySet<string> = new Set<LinkFaultName>([
  ...(['latency', 'rate', 'slice', 'loss', 'freeze', 'drop', 'expire', 'forget', 'halfOpen', 'fin'] as const),
  ...(['reset', 'slowClose', 'corrupt', 'sizeLimit', 'refuse', 'synDrop'] as const),
]);

/** True when a fault is on links between this agent and this server. */
export function isOn(
  { document, action }: FaultState,
  { agent, server }: Pick<Tunnel, 'agent' | 'server'>,
): boolean {
  const on = document?.on;
  if (document === undefined) return false;
  if (on === undefined) return true;
  if ('part' in on) return onLinks.has(action) && [agent, server].some(namePattern(on.part));
  if ('between' in on) {
    const [one, other] = [anyOf(on.between), anyOf(on.and)];
    return (one(agent) && other(server)) || (one(server) && other(agent));
  }
  return namePattern(on.from ?? '*')(agent) && namePattern(on.to ?? '*')(server);
}

const anyOf = (patterns: readonly string[]) => (name: string) =>
  patterns.some((pattern) => namePattern(pattern)(name));

/** Where a fault is, in words. */
export function placeText({ document }: FaultState): string {
  const on = document?.on;
  if (on === undefined) return 'all links';
  if ('part' in on) return on.part;
  if ('between' in on) return `${on.between.join(', ')} | ${on.and.join(', ')}`;
  return `${on.from ?? '*'} → ${on.to ?? '*'}`;
}

/** What the network does to this connection, from `fault.set` events alone. */
export function deviceOf(state: State, tunnel: Pick<Tunnel, 'agent' | 'server'>): DeviceView {
  const faults = [...state.faults.values()].filter((fault) => isActive(fault) && isOn(fault, tunnel));
  const times = faults.map(({ document }) => document?.when);
  const idleMs = least(times.map((when) => timeIn(when, 'idleFor')));
  const ageMs = least(times.map((when) => timeIn(when, 'age')));
  return {
    words: faults.map(faultWords),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(ageMs === undefined ? {} : { ageMs }),
  };
}

function timeIn(when: unknown, field: 'idleFor' | 'age'): number | undefined {
  if (typeof when !== 'object' || when === null) return undefined;
  return durationMs((when as Readonly<Record<string, unknown>>)[field]);
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** A fault in words: `60 s idle, then drop`. */
export function faultWords({ action, document }: FaultState): string {
  const when = document?.when;
  const idle = timeIn(when, 'idleFor');
  const age = timeIn(when, 'age');
  const what = settingsText(action, document?.do);
  if (idle !== undefined) return `after ${durationText(idle)} idle: ${what}`;
  if (age !== undefined) return `after ${durationText(age)} in all: ${what}`;
  if (typeof when === 'object') return `${what} (${JSON.stringify(when).replace(/["{}]/g, '')})`;
  return what;
}

function settingsText(action: string, done: unknown): string {
  if (typeof done !== 'object' || done === null) return action;
  const settings = Object.values(done)[0] as Readonly<Record<string, unknown>> | undefined;
  const values = Object.entries(settings ?? {}).map(([name, value]) => `${name} ${String(value)}`);
  return [action, ...values].join(' ');
}

/** How much of the idle timer is left, from 0 to 1, and in ms. Undefined without one. Pings are bytes, too. */
export function idleLeft(
  tunnel: Tunnel,
  { idleMs }: DeviceView,
  nowMs: number,
): { readonly share: number; readonly leftMs: number } | undefined {
  if (idleMs === undefined || tunnel.cut !== undefined) return undefined;
  const leftMs = Math.max(0, idleMs - (nowMs - tunnel.lastBytes));
  return { share: leftMs / idleMs, leftMs };
}
