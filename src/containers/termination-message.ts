import type { Container } from '../kube/pod-objects.js';
import { readLog } from './logs/log-reader.js';
import type { LogStore } from './logs/log-store.js';

const defaultPath = '/dev/termination-log';
/** The kubelet's limits. */
export const maxMessageBytes = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

export interface EndedRun {
  readonly logs: LogStore;
  /** The content of a file of the container, or its end; undefined when there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>;
}

/** What a container says about its own end: in a file, or after a failure in its log if its spec wants that. */
export async function terminationMessage(
  { terminationMessagePath = defaultPath, terminationMessagePolicy }: Container,
  exitCode: number,
  run: EndedRun,
): Promise<string | undefined> {
  const written = await run.readFile(terminationMessagePath).catch(() => undefined);
  if (written !== undefined && written.length > 0)
    return Buffer.from(written.subarray(-maxMessageBytes)).toString();
  if (exitCode === 0 || terminationMessagePolicy !== 'FallbackToLogsOnError') return undefined;
  const options = { follow: false, timestamps: false, tailLines: maxLogLines };
  const chunks: Uint8Array[] = [];
  for await (const chunk of readLog(run.logs, options, new AbortController().signal)) chunks.push(chunk);
  const text = Buffer.concat(chunks).subarray(-maxLogBytes).toString();
  return text === '' ? undefined : text;
}
