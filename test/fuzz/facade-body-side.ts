import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { createRandom } from '../../src/core/random.js';
import { once } from '../support/waits.js';
import { makeCredentials, requestOptions, startTestApi, type TestApi } from '../unit/apiserver/fixture.js';
import { type Bodied, someBody } from './facade-bodies.js';
import type { FuzzRun } from './run-side.js';

/** Far longer than any of these bodies may take; one that takes longer stops the façade. */
const maxMs = 60_000;
const atOnce = 8;
const healthEvery = 100;

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function exchange(options: RequestOptions, body?: Buffer): Promise<Answer> {
  const request = httpsRequest({ ...options, timeout: maxMs });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, text: Buffer.concat(await response.toArray()).toString() };
}

const ownNames = (): string => Object.getOwnPropertyNames(Object.prototype).join();

/** What is wrong with an answer, if anything. */
function fault({ status, text }: Answer): string | undefined {
  if (status >= 500) return `answered with ${status}`;
  const { kind, code } = JSON.parse(text) as { kind?: unknown; code?: unknown };
  if (typeof kind !== 'string') return 'answered without a kind';
  return status >= 400 && (kind !== 'Status' || code !== status) ? 'a failure that is no Status' : undefined;
}

/** A real façade, whose handlers are fed with bodies of every kind. It answers each, and its objects stay its own. */
export async function fuzzFacadeBodies({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  const test = await startTestApi(await makeCredentials());
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const before = ownNames();
  let count = 0;
  let refused = 0;
  const ask = async (bodied: Bodied): Promise<void> => {
    const { status } = await checked(test, agent, bodied);
    if (status >= 400) refused += 1;
    if (ownNames() !== before) throw new Error(`Object.prototype was changed by ${told(bodied)}`);
  };
  const client = async (): Promise<void> => {
    while (count < packets) {
      progress(count);
      count += 1;
      if (count % healthEvery === 0) await checkHealth(test, agent);
      await ask(someBody(random));
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, client));
    await checkHealth(test, agent);
  } finally {
    agent.destroy();
    await test.close();
  }
  return refused;
}

async function checked(test: TestApi, agent: Agent, bodied: Bodied): Promise<Answer> {
  const { method, path, type, body } = bodied;
  const headers = { 'content-type': type, 'content-length': String(body.length) };
  const options = { ...requestOptions(test, path, { method, headers }), agent };
  try {
    const answer = await exchange(options, body);
    const wrong = fault(answer);
    if (wrong !== undefined) throw new Error(`${wrong}: ${answer.text.slice(0, 500)}`);
    return answer;
  } catch (cause) {
    throw new Error(`${told(bodied)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function told({ method, path, type, body }: Bodied): string {
  return `${method} ${path} ${type} ${JSON.stringify(body.toString('latin1').slice(0, 2000))}`;
}

async function checkHealth(test: TestApi, agent: Agent): Promise<void> {
  const { text } = await exchange({ ...requestOptions(test, '/healthz', {}), agent });
  if (text !== 'ok') throw new Error(`/healthz says ${text}`);
}
