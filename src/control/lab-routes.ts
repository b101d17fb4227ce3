import { z } from 'zod';
import type { Lab } from '../lab/lab.js';
import type { RoutesOf } from './context.js';
import {
  certificateSchema,
  clockChangeSchema,
  clockPatchSchema,
  clockSchema,
  clusterSchema,
  connectionSchema,
  type Link,
  linkSchema,
  resetSchema,
} from './contract.js';
import { certificatesOf, clusterOf } from './lab-views.js';
import { route } from './route.js';

const pattern = z.string().default('*');
const mostLinks = 1000;

/** The lab as a whole: what it consists of, its links, its time, and back to a healthy state. */
export const labRoutes: RoutesOf = (context) => [
  route({
    method: 'get',
    path: '/v1/cluster',
    summary: 'The whole lab.',
    answers: [{ schema: clusterSchema, about: 'Nodes, parts, pods, options and time.' }],
    run: () => clusterOf(context.lab),
  }),
  route({
    method: 'get',
    path: '/v1/links',
    summary: 'The links between parts, at most 1000. `from` and `to` choose by pattern.',
    query: z.strictObject({ from: pattern, to: pattern }),
    answers: [{ schema: z.array(linkSchema), about: 'Each with its open connections and its faults.' }],
    run: ({ query: { from, to } }) => linksOf(context.lab, from, to),
  }),
  route({
    method: 'get',
    path: '/v1/connections',
    summary: 'Connections and dials through the tunnel, as each end believes them.',
    answers: [{ schema: z.array(connectionSchema), about: 'A zombie is held by one end alone.' }],
    run: () => context.lab.connections(),
  }),
  route({
    method: 'get',
    path: '/v1/certificates',
    summary: 'All certificates, without their keys.',
    answers: [{ schema: z.array(certificateSchema), about: 'CAs first.' }],
    run: () => certificatesOf(context.lab),
  }),
  ...clockRoutes(context),
  route({
    method: 'post',
    path: '/v1:reset',
    summary: 'Removes all faults, thaws all parts, and starts those that do not run or drain.',
    answers: [{ schema: resetSchema, about: 'What was done. It answers when the lab works again.' }],
    run: () => reset(context.lab),
  }),
];

const clockRoutes: RoutesOf = ({ lab }) => [
  route({
    method: 'get',
    path: '/v1/clock',
    summary: 'How fast lab time runs, and what it is.',
    answers: [{ schema: clockSchema, about: '`timeScale` 60 makes a minute last a second.' }],
    run: () => ({ timeScale: lab.timeScale, nowMs: lab.now }),
  }),
  route({
    method: 'patch',
    path: '/v1/clock',
    summary: 'Changes how fast lab time runs. Timers that wait follow.',
    body: clockPatchSchema,
    example: { timeScale: 10 },
    answers: [{ schema: clockChangeSchema, about: 'It runs so from now on.' }],
    run: ({ body: { timeScale } }) => {
      lab.timeScale = timeScale;
      return { seq: lab.mark(), timeScale, nowMs: lab.now };
    },
  }),
];

function linksOf(lab: Lab, from: string, to: string): Link[] {
  const links: Link[] = [];
  for (const { flows, faults, ...link } of lab.links(from, to)) {
    links.push({ ...link, flows: [...flows], faults: [...faults] });
    if (links.length >= mostLinks) break;
  }
  return links;
}

async function reset(lab: Lab) {
  const seq = lab.mark();
  const removed = lab.faults().map(({ id }) => id);
  lab.heal();
  const drained = drainedAgents(lab);
  const started: string[] = [];
  // In the order of a request: an agent is up again only when it has found its servers.
  for (const part of lab.parts()) {
    if (part.running && !drained.has(part.name)) continue;
    await part.restart();
    started.push(part.name);
  }
  return { seq, removed, started };
}

/** Those that asked their servers to choose others, and were not started since. */
function drainedAgents(lab: Lab): ReadonlySet<string> {
  const drained = new Set<string>();
  for (const { kind, node } of lab.events()) {
    if (kind === 'agent.draining') drained.add(node);
    else if (kind === 'role.started') drained.delete(node);
  }
  return drained;
}
