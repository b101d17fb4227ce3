import { type IncomingMessage, request } from 'node:http';
import {
  type Control,
  type ControlOptions,
  type LabOptions,
  startControl,
  startLab,
} from '../../src/index.js';
import type { Lab } from '../../src/lab/lab.js';
import { once } from './waits.js';

/** A lab with its API. */
export interface ControlBench extends AsyncDisposable {
  readonly lab: Lab;
  readonly control: Control;
  /** One request, with any headers; the answer is read to its end. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The body as JSON. */
  readonly json: unknown;
}

export async function startControlBench(
  labOptions: LabOptions = {},
  options: ControlOptions = {},
): Promise<ControlBench> {
  const lab = await startLab({ nodes: 1, timeScale: 10, ...labOptions });
  const control = await startControl(lab, options);
  return {
    lab,
    control,
    ask: (method, path, asked) => ask(control.port, { method, path, ...asked }),
    [Symbol.asyncDispose]: async () => {
      await control.close();
      await lab.stop();
    },
  };
}

async function ask(
  port: number,
  { method, path, body, headers }: AskOptions & { readonly method: string; readonly path: string },
): Promise<Answer> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const asking = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { ...json, ...headers },
    agent: false,
  });
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  asking.end(text);
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  let read = '';
  response.on('data', (chunk: Buffer) => {
    read += chunk.toString();
  });
  await once(response, 'end');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: read,
    get json() {
      return JSON.parse(read) as unknown;
    },
  };
}
