import { z } from 'zod';
import type { Lab } from '../lab/lab.js';
import type { FreezablePart } from '../lab/part.js';
import type { RoutesOf } from './context.js';
import {
  changeSchema,
  type PartDeed,
  partChangeSchema,
  partDeeds,
  partSchema,
  rollOrderSchema,
  stopOrderSchema,
} from './contract.js';
import { findPart, partOf } from './lab-views.js';
import { type Route, route } from './route.js';

const params = { role: 'agent', name: 'node-1' };

const about: Readonly<Record<PartDeed, string>> = {
  kill: 'Ends a part without a warning, as SIGKILL does.',
  stop: 'Ends a part in order, as SIGTERM does, and answers when it has ended.',
  start: 'Starts a part at its old addresses, and answers when requests can pass it.',
  restart: 'Kills a part and starts it.',
  drain: 'Makes an agent ask its servers to choose others.',
  freeze: 'No byte passes from a part or to it, and its connections stay open.',
  thaw: 'Lets a frozen part go on.',
};

/** Parts, and what can be done to them. A part is named as in events, or by its number: `server/1`. */
export const partRoutes: RoutesOf = ({ lab }) => [
  route({
    method: 'get',
    path: '/v1/parts',
    summary: 'All parts, in the order in which a request passes them.',
    answers: [{ schema: z.array(partSchema), about: 'Whether they run.' }],
    run: () => lab.parts().map((part) => partOf(lab, part)),
  }),
  route({
    method: 'get',
    path: '/v1/parts/{role}/{name}',
    summary: 'One part.',
    params,
    answers: [{ schema: partSchema, about: 'Whether it runs.' }],
    run: ({ params: { role = '', name = '' } }) => partOf(lab, findPart(lab, role, name)),
  }),
  ...partDeeds.map((deed) => deedRoute(lab, deed)),
  route({
    method: 'post',
    path: '/v1/parts:roll',
    summary: 'Stops and starts the parts whose names fit, as a rolling update does.',
    body: rollOrderSchema,
    example: { parts: 'server/*' },
    answers: [{ schema: changeSchema, about: 'All have started again.' }],
    run: async ({ body: { parts, order, graceMs } }) => {
      const seq = lab.mark();
      await lab.roll(parts, { order, ...(graceMs === undefined ? {} : { graceMs }) });
      return { seq };
    },
  }),
];

function deedRoute(lab: Lab, deed: PartDeed): Route {
  return route({
    method: 'post',
    path: `/v1/parts/{role}/{name}:${deed}`,
    summary: about[deed],
    params,
    body: deed === 'stop' ? stopOrderSchema : z.strictObject({}),
    answers: [{ schema: partChangeSchema, about: 'It is done.' }],
    run: async ({ params: { role = '', name = '' }, body }) => {
      const part = findPart(lab, role, name);
      const seq = lab.mark();
      await deeds[deed](part, body as { graceMs?: number });
      return { seq, part: partOf(lab, part) };
    },
  });
}

const deeds: Readonly<
  Record<PartDeed, (part: FreezablePart, options: { graceMs?: number }) => Promise<void> | void>
> = {
  kill: (part) => part.kill(),
  stop: (part, options) => part.stop(options),
  start: (part) => part.start(),
  restart: (part) => part.restart(),
  drain: (part) => part.drain(),
  freeze: (part) => part.freeze(),
  thaw: (part) => part.thaw(),
};
