import { text } from 'node:stream/consumers';
import { splitHostPort } from '../core/address.js';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import { callApi } from './api.js';
import { failed } from './failed.js';
import type { Expectation, StepOf } from './schema.js';

/** What came of a request. */
export interface Outcome {
  readonly output: string;
  readonly exitCode?: number;
  readonly error?: TunnelError;
  /** Its name in the journal. */
  readonly request?: string | undefined;
  /** Lab time, ms. */
  readonly tookMs: number;
}

type Answer = Omit<Outcome, 'tookMs'>;
export type RequestStep = StepOf<'exec'> | StepOf<'logs'> | StepOf<'dial'> | StepOf<'api'>;

/** Makes the request of a step. Never rejects: a failure is an outcome. */
export async function request(lab: Lab, step: RequestStep): Promise<Outcome> {
  const startedAt = lab.now;
  const since = lab.mark();
  const answer = await ask(lab, step).catch((caught: unknown) => ({
    output: '',
    error: TunnelError.from(caught),
  }));
  return { ...{ request: requestAfter(lab, since) }, ...answer, tookMs: lab.now - startedAt };
}

function ask(lab: Lab, step: RequestStep): Promise<Answer> {
  if ('exec' in step) return exec(lab, step);
  if ('logs' in step) return logs(lab, step);
  return 'dial' in step ? dial(lab, step) : api(lab, step);
}

async function exec(
  lab: Lab,
  { exec: { pod, namespace = 'default', command, stdin, container } }: StepOf<'exec'>,
) {
  const { stdout, stderr, ...rest } = await lab.exec({ namespace, pod }, command, {
    ...(stdin === undefined ? {} : { stdin }),
    ...(container === undefined ? {} : { container }),
  });
  return { ...rest, output: `${stdout}${stderr}` };
}

async function logs(lab: Lab, { logs: { pod, namespace = 'default', container, tail } }: StepOf<'logs'>) {
  const lines = lab.logs(
    { namespace, pod },
    {
      ...(container === undefined ? {} : { container }),
      ...(tail === undefined ? {} : { tailLines: tail }),
    },
  );
  return { output: await text(lines) };
}

/** Sends the text, and takes what comes back until the first pause of the other end. */
async function dial(lab: Lab, { dial: address, send }: StepOf<'dial'>) {
  const target = splitHostPort(address);
  if (target === undefined) throw new TunnelError('CONFIG_INVALID', `dial: ${address} is not HOST:PORT`);
  const stream = await lab.dial(target.host, target.port);
  try {
    if (send === undefined) return { output: 'connected' };
    stream.write(send);
    for await (const data of stream) return { output: String(data) };
    throw new TunnelError('TUNNEL_CLOSED', 'the connection ended without a byte', { where: 'scenario' });
  } finally {
    stream.destroy();
  }
}

async function api(lab: Lab, { api: line, body }: StepOf<'api'>): Promise<Answer> {
  const [method = '', path = ''] = line.split(' ');
  return { output: await callApi(lab, { method: method as 'GET', path, body }) };
}

/** The first request that began after a mark, or the dial of one that has no name. */
function requestAfter(lab: Lab, since: number): string | undefined {
  const later = lab.events().filter(({ seq }) => seq > since);
  const dialled = later.find(({ kind }) => kind === 'dial.started');
  return later.find(({ kind }) => kind === 'request.started')?.request ?? dialled?.request ?? dialled?.dialId;
}

/** Throws EXPECTATION_FAILED when an outcome is not what was expected. Returns what was seen. */
export function judge(outcome: Outcome, expected: Expectation = {}): string {
  const { output, error, exitCode, tookMs } = outcome;
  const { fails = expected.says === undefined ? undefined : true, took = {} } = expected;
  const seen = error === undefined ? output : `${error.code}: ${error.message}`;
  const must = (isRight: boolean, what: string): void => {
    if (!isRight) throw failed(`${what}\nseen: ${seen === '' ? 'nothing' : seen}`);
  };
  if (fails === undefined) {
    must(error === undefined, 'expected to succeed');
    const { exitCode: wanted = 0 } = expected;
    must((exitCode ?? wanted) === wanted, `expected exit code ${wanted}, not ${exitCode}`);
  } else {
    must(error !== undefined, `expected to fail${fails === true ? '' : ` with ${fails}`}`);
    must(fails === true || error?.code === fails, `expected the failure ${fails}`);
  }
  if (expected.output !== undefined)
    must(output.includes(expected.output), `expected the output ${expected.output}`);
  if (expected.says !== undefined) must(seen.includes(expected.says), `expected the words: ${expected.says}`);
  const { atLeast = 0, atMost = Number.POSITIVE_INFINITY } = took;
  const bounds = `${atLeast} to ${atMost} ms`;
  must(
    tookMs >= atLeast && tookMs <= atMost,
    `expected to take ${bounds} of lab time, not ${tookMs.toFixed(0)}`,
  );
  return seen;
}
