import type { Lab } from '../../src/index.js';
import { askApi } from '../support/ask-api.js';
import { createKubectl, findKubectls } from '../support/kubectl.js';
import type { Provoke } from './entry.js';

export const newestKubectl = findKubectls().at(-1);

/** An exec that began a moment before its fault may have no end. */
const givenUp = (): AbortSignal => AbortSignal.timeout(8000);

/** The lab's own client runs a script in `web-1`. The line is its output. */
export const shell =
  (script: string): Provoke =>
  async (lab) =>
    (await lab.exec('web-1', ['sh', '-c', script], { signal: givenUp() })).stdout;

export const hostname: Provoke = shell('hostname');

/** Sends so many bytes to `cat` in `web-1`, and counts what comes back. */
export const copy =
  (sizeBytes: number): Provoke =>
  async (lab) => {
    const { stdout } = await lab.exec('web-1', ['cat'], { stdin: 'x'.repeat(sizeBytes), signal: givenUp() });
    return `${stdout.length} bytes`;
  };

/** The same answer, and whether the exec took longer than so many seconds of lab time. */
export const timed =
  (seconds: number, provoke: Provoke): Provoke =>
  async (lab) => {
    const since = lab.mark();
    const answer = (await provoke(lab)).trim();
    const { durationMs = 0 } = await lab.waitFor({ kind: 'request.finished', node: 'client/lab' }, { since });
    return `${answer}, ${durationMs > seconds * 1000 ? 'after more than' : 'within'} ${seconds} s`;
  };

/** What the API server answers: the text of its Status, else the whole text. */
export async function asked(lab: Lab, path: string, ask?: Parameters<typeof askApi>[2]): Promise<string> {
  const { text, status } = await askApi(lab, path, ask);
  return status < 400 ? text : (JSON.parse(text) as { readonly message: string }).message;
}

const logPath = '/api/v1/namespaces/default/pods/web-1/log';

/** `kubectl logs web-1`, as kubectl asks for it. */
export const logs: Provoke = (lab) => asked(lab, logPath);

/** The same at one of several API servers, counted from 1. */
export const logsAt =
  (apiserver: number): Provoke =>
  (lab) =>
    asked(lab, logPath, { url: lab.apiserver(apiserver).url });

/** The newest kubectl: all that it prints, and its exit code. */
export const kubectl =
  (...args: readonly string[]): Provoke =>
  async (lab) => {
    if (newestKubectl === undefined) throw new Error('there is no kubectl');
    const one = await createKubectl(newestKubectl, lab.kubeconfig);
    try {
      const { stdout, stderr, code } = await one.run(args);
      return `${stdout}${stderr}exit code ${code}`;
    } finally {
      await one.close();
    }
  };
