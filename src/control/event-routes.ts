import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import { eventKinds } from '../core/event-kinds.js';
import type { EventKind, LabEvent } from '../core/events.js';
import type { Lab } from '../lab/lab.js';
import { type EventTest, eventFields, fieldTest, parseFilter } from '../observe/event-filter.js';
import type { EventPattern } from '../observe/event-match.js';
import { headerLine } from '../observe/recording.js';
import type { ControlContext, RoutesOf } from './context.js';
import { streamEvents } from './event-stream.js';
import {
  type EventPage,
  eventPageSchema,
  type Pattern,
  type Verified,
  verifiedSchema,
  verifyOrderSchema,
  waitedSchema,
  waitOrderSchema,
} from './requests-contract.js';
import { type Call, route } from './route.js';

const maxPage = 1000;
const sse = 'text/event-stream';
const ndjson = 'application/x-ndjson';

const number = z.string().regex(/^\d+$/, 'must be a whole number').transform(Number);
const querySchema = z.strictObject({
  after: number.optional(),
  limit: number.optional(),
  filter: z.string().optional(),
  ...Object.fromEntries(eventFields.map((field) => [field, z.string().optional()])),
});
type EventQuery = z.output<typeof querySchema>;

/** The journal: pages, streams, waits and checks. */
export const eventRoutes: RoutesOf = (context) => [
  route<EventQuery>({
    method: 'get',
    path: '/v1/events',
    summary:
      'Events after `after`: a page, or by Accept a stream as SSE or NDJSON. Every field of events filters, with `*` and commas; `filter` takes a text such as `kind:packet node:server/*`.',
    query: querySchema,
    answers: [
      {
        schema: eventPageSchema,
        about: 'A page of at most `limit` events (default and most 1000), or a stream.',
      },
      { type: sse, about: 'A stream. `Last-Event-ID` resumes it; `event: end` says why it ends.' },
      { type: ndjson, about: 'A stream of one event a line; a last line `{"end": …}` says why it ends.' },
    ],
    run: (call) => {
      const accept = call.context.req.header('accept') ?? '';
      if (accept.includes(sse)) return stream(context, call, 'sse');
      return accept.includes(ndjson) ? stream(context, call, 'ndjson') : pageOf(context.lab, call.query);
    },
  }),
  route({
    method: 'post',
    path: '/v1/events:wait',
    summary: 'Waits for an event after `since`. WAIT_TIMEOUT shows the event that matched best.',
    body: waitOrderSchema,
    example: { event: { kind: 'agent.connected', node: 'agent/node-1' }, withinMs: 1000 },
    answers: [{ schema: waitedSchema, about: 'The first event that matches.' }],
    run: ({ body: { event, ...options }, signal }) =>
      context.held.during(async () => ({
        event: await context.lab.waitFor(patternOf(event), { ...options, signal: until(context, signal) }),
      })),
  }),
  route({
    method: 'post',
    path: '/v1/events:verify',
    summary: 'Checks that events happened, in order or not, and that others did not.',
    body: verifyOrderSchema,
    example: { events: [{ kind: 'agent.connected' }, { kind: 'lab.ready' }] },
    answers: [{ schema: verifiedSchema, about: 'Whether they did, and if not, what came near.' }],
    run: ({ body, signal }) => context.held.during(() => verify(context, body, signal)),
  }),
  route({
    method: 'get',
    path: '/v1/recording',
    summary: 'What the journal holds as a recording, for `konnsim explain` and the page.',
    answers: [{ type: ndjson, about: 'A first line about the lab, then one event a line.' }],
    run: () => recordingOf(context.lab),
  }),
];

function pageOf(lab: Lab, { after = 0, limit = maxPage, ...filters }: EventQuery): EventPage {
  const test = testOf(filters);
  const events = lab.events();
  const page: LabEvent[] = [];
  let next = Math.max(after, 0);
  for (const event of events) {
    if (event.seq <= after) continue;
    if (page.length >= Math.min(limit, maxPage)) break;
    next = event.seq;
    if (test(event)) page.push(event);
  }
  // The schema has each field of an event; the compiler cannot see that of a union.
  const shown = page as unknown as EventPage['events'];
  return { events: shown, next, newest: lab.mark(), oldest: events[0]?.seq ?? 0 };
}

function testOf({ filter, ...fields }: Readonly<Record<string, unknown>>): EventTest {
  const text = typeof filter === 'string' ? filter : '';
  const tests = Object.entries(fields).map(([field, value]) => fieldTest(field, String(value)));
  return [parseFilter(text), ...tests].reduce((one, other) => (event) => one(event) && other(event));
}

function stream(context: ControlContext, call: Call<EventQuery, unknown>, form: 'sse' | 'ndjson'): Response {
  const { after = 0, limit: _limit, ...filters } = call.query;
  const { lab, stopped, held } = context;
  const resumed = Number(call.context.req.header('last-event-id') ?? Number.NaN);
  const test = testOf(filters);
  const leave = held.take();
  call.signal.addEventListener('abort', leave, { once: true });
  const { outgoing } = (call.context as Context<{ Bindings: HttpBindings }>).env;
  outgoing.once('close', leave);
  const body = streamEvents({
    lab,
    after: Number.isSafeInteger(resumed) ? resumed : after,
    test,
    form,
    stopped,
    stuck: () => outgoing.destroy(),
  });
  return new Response(body, {
    headers: { 'content-type': form === 'sse' ? sse : ndjson, 'cache-control': 'no-store' },
  });
}

/** A pattern of a document. Throws BAD_REQUEST for a kind or a field that no event has. */
function patternOf(pattern: Pattern): EventPattern {
  const odd = Object.keys(pattern).find((field) => !eventFields.includes(field));
  if (odd !== undefined) {
    throw new TunnelError('BAD_REQUEST', `events have no field ${odd}`, {
      hint: `The fields are ${eventFields.join(', ')}.`,
    });
  }
  if (!eventKinds.some((kind) => kind === pattern.kind)) {
    throw new TunnelError('BAD_REQUEST', `no event is of the kind ${pattern.kind}`, {
      hint: `The kinds are ${eventKinds.join(', ')}.`,
    });
  }
  return pattern as unknown as EventPattern;
}

async function verify(
  context: ControlContext,
  { events, none, ...options }: z.output<typeof verifyOrderSchema>,
  signal: AbortSignal,
): Promise<Verified> {
  const wanted = { ...options, none: none.map(patternOf), signal: until(context, signal) };
  try {
    const found = await context.lab.expectEvents<EventKind[]>(events.map(patternOf), wanted);
    return { verified: true, events: found as unknown as Verified['events'] };
  } catch (caught) {
    const error = TunnelError.from(caught);
    if (error.code !== 'WAIT_TIMEOUT' && error.code !== 'EXPECTATION_FAILED') throw error;
    return { verified: false, events: [], text: error.message };
  }
}

/** A client that goes away waits no longer, and neither does one when the API stops. */
function until({ stopped }: ControlContext, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([stopped, signal]);
}

function recordingOf(lab: Lab): Response {
  const lines = [headerLine(lab.startedAt.getTime(), lab.seed)];
  for (const event of lab.events()) lines.push(JSON.stringify(event));
  return new Response(`${lines.join('\n')}\n`, {
    headers: {
      'content-type': ndjson,
      'cache-control': 'no-store',
      'content-disposition': `attachment; filename="konnsim-${lab.seed}.ndjson"`,
    },
  });
}
