import { fileURLToPath } from 'node:url';
import { readRecording } from '../../../src/observe/recording.js';
import { WebJournal } from '../../../src/web/model/journal.js';

/**
 * A real run: node-1 is a zombie after 60 s idle; `exec-2` crosses by node-2, `main-62` hangs on node-1 until the backstop;
 * then agent/node-1 is killed, and the lab ends.
 */
export const recordingFile = fileURLToPath(new URL('../../web/zombie.ndjson', import.meta.url));

export async function recordedJournal(): Promise<WebJournal> {
  const journal = new WebJournal();
  journal.add((await readRecording(recordingFile)).events);
  return journal;
}

/** How many events there are up to the first one of which this is true, and with it. */
export function until(journal: WebJournal, test: (event: WebJournal['events'][number]) => boolean): number {
  return journal.events.findIndex(test) + 1;
}
