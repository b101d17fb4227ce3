import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import type { Fault } from '../links/fault.js';
import type { FaultDocument } from '../links/fault-document.js';
import { faults as linkFaults } from '../links/faults/faults.js';
import { packetFaults } from '../links/packet-faults/packet-faults.js';
import { partFaults } from '../links/part-faults/part-faults.js';
import { type PresetName, presets } from '../links/presets.js';
import type { RoutesOf } from './context.js';
import {
  type FaultKindView,
  type FaultOrder,
  type FaultView,
  faultChangeSchema,
  faultKindSchema,
  faultOrderSchema,
  faultSchema,
  healingSchema,
  type PresetView,
  presetSchema,
  type Reach,
  reachSchema,
} from './contract.js';
import { route } from './route.js';

const example = { id: 'silence', on: { from: 'agent/*', to: 'server/*' }, do: 'drop' };

/** Faults: set, seen, tried out and removed. */
export const faultRoutes: RoutesOf = ({ lab }) => [
  route({
    method: 'get',
    path: '/v1/faults',
    summary: 'The faults that are on.',
    answers: [{ schema: z.array(faultSchema), about: 'In the order in which they were set.' }],
    run: () => lab.faults().map(viewOf),
  }),
  route({
    method: 'post',
    path: '/v1/faults',
    summary: 'Sets a fault, or a preset. `docs/faults.md` lists all.',
    body: faultOrderSchema,
    example,
    answers: [{ status: 201, schema: faultChangeSchema, about: 'It is on.' }],
    run: ({ body }) => {
      const seq = lab.mark();
      return { seq, fault: viewOf(lab.fault(documentOf(body))) };
    },
  }),
  route({
    method: 'delete',
    path: '/v1/faults',
    summary: 'Removes all faults. Frozen parts go on.',
    answers: [{ schema: healingSchema, about: 'What was removed.' }],
    run: () => heal(lab, lab.faults()),
  }),
  route({
    method: 'get',
    path: '/v1/faults/presets',
    summary: 'Faults that are ready to use.',
    answers: [{ schema: z.array(presetSchema), about: 'All of them.' }],
    run: () => presetViews(),
  }),
  route({
    method: 'get',
    path: '/v1/faults/kinds',
    summary: 'What may stand in `do`, and what it does.',
    answers: [{ schema: z.array(faultKindSchema), about: 'Those of links, of their packets, and of parts.' }],
    run: () => kindViews(),
  }),
  route({
    method: 'post',
    path: '/v1/faults:check',
    summary: 'What a fault would be on, and could hit, now. Sets nothing.',
    body: faultOrderSchema,
    example,
    answers: [{ schema: reachSchema, about: 'Links, connections and parts.' }],
    run: ({ body }): Reach => reachOf(lab, body),
  }),
  ...oneFault(lab),
];

function oneFault(lab: Lab) {
  const params = { id: 'silence' };
  return [
    route({
      method: 'get',
      path: '/v1/faults/{id}',
      summary: 'One fault.',
      params,
      answers: [{ schema: faultSchema, about: 'It is on.' }],
      run: ({ params: { id = '' } }) => viewOf(find(lab, id)),
    }),
    route({
      method: 'delete',
      path: '/v1/faults/{id}',
      summary: 'Removes one fault.',
      params,
      answers: [{ schema: healingSchema, about: 'What became of what it had hit.' }],
      run: ({ params: { id = '' } }) => heal(lab, [find(lab, id)]),
    }),
  ];
}

function viewOf({ id, action, hits, document }: Fault): FaultView {
  const kinds: Readonly<Record<string, { readonly does: string }>> = {
    ...linkFaults,
    ...packetFaults,
    ...partFaults,
  };
  return { id, action, does: kinds[action]?.does ?? '', hits, document: { ...document } };
}

/** A preset's own place gives way to the one that is named. */
function documentOf(order: FaultOrder): FaultDocument | PresetName {
  if (!('preset' in order)) return order as unknown as FaultDocument;
  const name = order['preset'] as PresetName;
  if (order.on === undefined || !Object.hasOwn(presets, name)) return name;
  return { ...presets[name].fault, on: order.on } as unknown as FaultDocument;
}

function reachOf(lab: Lab, order: FaultOrder): Reach {
  const { action, links, flows, parts } = lab.faultReach(documentOf(order));
  const hitsNow = flows.length + parts.length > 0;
  return { action, links: [...links], flows: [...flows], parts: [...parts], hitsNow };
}

function find(lab: Lab, id: string): Fault {
  const found = lab.faults().find((fault) => fault.id === id);
  if (found !== undefined) return found;
  const names = lab.faults().map((fault) => fault.id);
  const there = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
  throw new TunnelError('FAULT_NOT_FOUND', `no fault is called ${id}; ${there}`, { where: 'links' });
}

function heal(lab: Lab, faults: readonly Fault[]) {
  const seq = lab.mark();
  const removed = faults.map(({ id }) => id);
  const ends = faults.map((fault) => fault.remove());
  const total = (of: 'healed' | 'broken'): number => ends.reduce((sum, end) => sum + end[of], 0);
  return { seq, removed, healed: total('healed'), broken: total('broken') };
}

function presetViews(): PresetView[] {
  return Object.entries(presets).map(([name, { like, fault }]) => ({ name, like, document: { ...fault } }));
}

function kindViews(): FaultKindView[] {
  const ofLinks = Object.entries(linkFaults).map(([name, { does, lesson, heals }]) => ({
    ...{ name, level: 'link' as const, does, lesson, heals },
    roles: [],
  }));
  const ofPackets = Object.entries(packetFaults).map(([name, { does, lesson, heals }]) => ({
    ...{ name, level: 'packet' as const, does, lesson, heals },
    roles: [],
  }));
  const ofParts = Object.entries(partFaults).map(([name, { does, lesson, heals, roles }]) => ({
    ...{ name, level: 'part' as const, does, lesson, heals },
    roles: [...roles],
  }));
  return [...ofLinks, ...ofPackets, ...ofParts];
}
