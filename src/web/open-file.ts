import { batch } from '@preact/signals';
import { seek } from './player.js';
import { readFile } from './source/file.js';
import type { LiveSource } from './source/live.js';
import { addEvents, fileName, lab, problem, requests, restart, source, theJournal } from './store.js';

let live: LiveSource | undefined;

export function setLive(started: LiveSource): void {
  live = started;
}

/** Shows a recording in place of the lab. It is read here, and sent nowhere. */
export async function openFile(file: File | undefined): Promise<void> {
  if (file === undefined) return;
  try {
    const { events } = await readFile(file);
    live?.close();
    batch(() => {
      restart();
      source.value = 'file';
      lab.value = undefined;
      fileName.value = file.name;
      problem.value = '';
      addEvents(events);
      const last = requests.value.at(-1);
      seek(last?.end ?? theJournal().end);
    });
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  }
}
