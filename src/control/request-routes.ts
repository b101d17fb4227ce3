import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { LabEvent, RequestEvent } from '../core/events.js';
import type { ControlContext, RoutesOf } from './context.js';
import {
  explanationSchema,
  type RequestOrder,
  type RequestView,
  requestOrderSchema,
  requestSchema,
} from './requests-contract.js';
import { json, type Route, route } from './route.js';
import { beginRequest, isUserRequest, type OwnRequest } from './user-requests.js';

/** Of how many requests the output is kept. */
const mostKept = 50;

/** What users do, and why it failed. */
export const requestRoutes: RoutesOf = (context) => {
  const own = new Map<string, OwnRequest>();
  return [
    route({
      method: 'get',
      path: '/v1/requests',
      summary: 'The requests of all users that the journal still has, kubectl’s, too.',
      answers: [{ schema: z.array(requestSchema), about: 'In the order in which they began.' }],
      run: () => requestsOf(context, own),
    }),
    route({
      method: 'post',
      path: '/v1/requests',
      summary: 'exec, logs, or a connection through a port-forward, as a user does it.',
      body: requestOrderSchema,
      example: { verb: 'exec', pod: 'web-1', command: ['hostname'] },
      answers: [
        { schema: requestSchema, about: 'It is over. A failure is told in `error`.' },
        { status: 202, schema: requestSchema, about: 'It still runs: ask again by its `id`.' },
      ],
      run: ({ body }) => make(context, own, body),
    }),
    ...oneRequest(context, own),
  ];
};

function oneRequest(context: ControlContext, own: ReadonlyMap<string, OwnRequest>): readonly Route[] {
  const params = { id: 'exec-1' };
  return [
    route({
      method: 'get',
      path: '/v1/requests/{id}',
      summary: 'One request.',
      params,
      answers: [{ schema: requestSchema, about: 'With its output, if this API made it.' }],
      run: ({ params: { id = '' } }) => find(context, own, id),
    }),
    route({
      method: 'get',
      path: '/v1/requests/{id}/explain',
      summary: 'Why a request failed. The id `last` is the last that failed.',
      params,
      answers: [{ schema: explanationSchema, about: 'Only what events prove is called a cause.' }],
      run: ({ params: { id = '' } }) => context.lab.explain(id === 'last' ? undefined : id),
    }),
  ];
}

async function make(
  context: ControlContext,
  own: Map<string, OwnRequest>,
  order: RequestOrder,
): Promise<Response> {
  const { lab, working, stopped, isPrivate } = context;
  if (order.verb === 'exec' && lab.options.runtime === 'process' && !isPrivate) {
    throw new TunnelError('FORBIDDEN', 'containers are processes of this machine here', {
      hint: 'An API with a token runs their commands; so do kubectl and `konnsim exec`.',
    });
  }
  const leave = working.take();
  const made = await beginRequest(lab, order, stopped).catch((error: unknown) => {
    leave();
    throw error;
  });
  void made.over.then(leave);
  own.set(made.id, made);
  for (const id of [...own.keys()].slice(0, -mostKept)) own.delete(id);
  const isOver = await within(made.over, order.waitMs);
  return json(find(context, own, made.id), isOver ? 200 : 202);
}

/** True when it is over in time. */
async function within(over: Promise<void>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  try {
    return await Promise.race([over.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

function find(context: ControlContext, own: ReadonlyMap<string, OwnRequest>, id: string): RequestView {
  const found = requestsOf(context, own).find((request) => request.id === id);
  if (found !== undefined) return found;
  throw new TunnelError('REQUEST_NOT_FOUND', `no event in the journal has the request ${id}`);
}

function requestsOf({ lab }: ControlContext, own: ReadonlyMap<string, OwnRequest>): RequestView[] {
  const ends = new Map<string, { began?: LabEvent; end?: LabEvent & RequestEvent }>();
  for (const event of lab.events()) {
    if (!isUserRequest(event)) continue;
    const found = ends.get(event.request ?? '') ?? {};
    ends.set(event.request ?? '', found);
    if (event.kind === 'request.started') found.began ??= event;
    else if (event.kind === 'request.finished' || event.kind === 'request.failed') found.end = event;
  }
  const told = [...own.values()].flatMap((made) =>
    made.told === undefined ? [] : [{ ...made.told(), ...outputOf(made) }],
  );
  const seen = [...ends].flatMap(([id, { began, end }]) =>
    viewOf(id, own.get(id), { began: began ?? end, end }),
  );
  return [...seen, ...told].sort((one, other) => one.seq - other.seq);
}

function viewOf(
  id: string,
  made: OwnRequest | undefined,
  {
    began,
    end,
  }: { readonly began: LabEvent | undefined; readonly end: (LabEvent & RequestEvent) | undefined },
): RequestView[] {
  if (began === undefined) return [];
  const { verb = '', path = '', node, seq, t } = began as LabEvent & RequestEvent;
  const state = end === undefined ? 'running' : end.kind === 'request.failed' ? 'failed' : 'finished';
  const { durationMs, exitCode, status, error, code } = end ?? {};
  const view = { id, verb, node, path, state, seq, t, durationMs, exitCode, status, error, code };
  // JSON leaves out what is undefined.
  return [{ ...view, ...outputOf(made) } as RequestView];
}

function outputOf(made: OwnRequest | undefined): Pick<RequestView, 'stdout' | 'stderr' | 'truncated'> {
  if (made === undefined) return {};
  const { stdout, stderr } = made;
  const truncated = stdout.isFull || stderr.isFull;
  return { stdout: stdout.text(), stderr: stderr.text(), ...(truncated ? { truncated } : {}) };
}
