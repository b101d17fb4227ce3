import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { TunnelError } from '../core/errors.js';
import type { LabEvent } from '../core/events.js';
import type { PortForward } from '../lab/cluster-client.js';
import type { Lab } from '../lab/lab.js';
import { BoundedOutput } from './bounded-output.js';
import type { RequestOrder, RequestView } from './requests-contract.js';

/** A request that this API has made. */
export interface OwnRequest {
  /** Its name in the journal. */
  readonly id: string;
  readonly stdout: BoundedOutput;
  readonly stderr: BoundedOutput;
  /** Resolves when it is over, also when it failed. */
  readonly over: Promise<void>;
  /** What a user knows of it where no event of the user's end says so: a port-forward's connection. */
  readonly told?: () => RequestView;
}

/** Begins a request as the lab's own client. Throws what a user is told before anything is dialled: POD_NOT_FOUND. */
export function beginRequest(lab: Lab, order: RequestOrder, signal: AbortSignal): Promise<OwnRequest> {
  if (order.verb === 'exec') return begin(lab, (output) => exec(lab, order, output, signal));
  if (order.verb === 'logs') return begin(lab, (output) => logs(lab, order, output, signal));
  return forward(lab, order, signal);
}

type Output = Pick<OwnRequest, 'stdout' | 'stderr'>;
type Order<V> = Extract<RequestOrder, { readonly verb: V }>;

async function begin(lab: Lab, work: (output: Output) => Promise<unknown>): Promise<OwnRequest> {
  const output = { stdout: new BoundedOutput(), stderr: new BoundedOutput() };
  const since = lab.mark();
  const working = work(output);
  // Its first event is there at once, or it was refused.
  const begun = lab.events().find(({ seq, kind }) => seq > since && kind === 'request.started');
  if (begun?.request === undefined) {
    await working;
    throw new TunnelError('INTERNAL', 'the request has no event');
  }
  return { id: begun.request, ...output, over: working.then(ignore, ignore) };
}

const ignore = (): void => undefined;

function exec(
  lab: Lab,
  { pod, command, container, stdin }: Order<'exec'>,
  { stdout, stderr }: Output,
  signal: AbortSignal,
): Promise<unknown> {
  const input = stdin === undefined ? {} : { stdin: Readable.from([stdin]) };
  const named = container === undefined ? {} : { container };
  return lab.cluster.exec(pod, command, { stdout, stderr, signal, ...input }, named);
}

async function logs(
  lab: Lab,
  { pod, container, tailLines }: Order<'logs'>,
  { stdout }: Output,
  signal: AbortSignal,
): Promise<void> {
  const options = {
    signal,
    limitBytes: stdout.room + 1,
    ...(container === undefined ? {} : { container }),
    ...(tailLines === undefined ? {} : { tailLines }),
  };
  for await (const chunk of lab.cluster.logs(pod, options)) stdout.write(chunk);
}

/** Opens one connection through a port-forward, sends a text, and takes what comes back. */
async function forward(lab: Lab, order: Order<'port-forward'>, signal: AbortSignal): Promise<OwnRequest> {
  const { pod, port } = order;
  const output = { stdout: new BoundedOutput(), stderr: new BoundedOutput() };
  const began = { seq: lab.mark(), t: lab.now };
  let end: Pick<RequestView, 'durationMs' | 'error' | 'code'> = {};
  let state: RequestView['state'] = 'running';
  const onError = ({ message: error, code }: TunnelError): void => {
    // What fails after the end is what this end cuts.
    if (state === 'running') end = { error, code };
  };
  const open = await lab.portForward(pod, port, { onError, signal });
  const over = talk(open, order, { stdout: output.stdout, signal }).then(() => {
    state = end.error === undefined ? 'finished' : 'failed';
    end = { ...end, durationMs: lab.now - began.t };
    return open.close();
  });
  const about = { verb: 'port-forward', node: 'client/lab', path: `${pod}:${port}` };
  return {
    id: open.request,
    ...output,
    over,
    told: () => ({ id: open.request, ...about, state, ...began, ...end }),
  };
}

/** Resolves at the end of the connection. */
function talk(
  { host, port }: PortForward,
  { send }: Order<'port-forward'>,
  { stdout, signal }: { readonly stdout: BoundedOutput; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise<void>((resolve) => {
    const socket = connect({ host, port });
    const onAbort = (): void => void socket.destroy();
    socket.on('error', ignore);
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    socket.on('data', (chunk: Buffer) => {
      stdout.write(chunk);
      if (stdout.isFull) socket.destroy();
    });
    socket.write(send);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** True for the events with which a request of a user begins and ends: those of its client or of an API server. */
export function isUserRequest({ kind, node, request }: LabEvent): boolean {
  return kind.startsWith('request.') && request !== undefined && /^(client|apiserver)\//.test(node);
}
