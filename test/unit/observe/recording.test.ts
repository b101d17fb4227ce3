import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import type { LabEvent } from '../../../src/core/events.js';
import { createJournal } from '../../../src/observe/journal.js';
import { openRecorder } from '../../../src/observe/recorder.js';
import { readRecording } from '../../../src/observe/recording.js';
import { scratchFolder } from '../../support/konnsim.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  folder = await scratchFolder();
});
afterAll(() => folder.remove());

const at = (name: string): string => join(folder.path, name);
const seed = 7;

/** A recording of two events, and the events. */
async function recorded(
  name: string,
): Promise<{ readonly path: string; readonly events: readonly LabEvent[] }> {
  const clock = new ManualClock();
  const journal = createJournal({ clock });
  const path = at(name);
  const recorder = openRecorder({ path, seed, startedAtMs: 0, clock });
  journal.subscribe(recorder.write);
  journal.emit({ kind: 'agent.connected', node: 'agent/node-1', peer: 'server/server-1' });
  clock.advance(5);
  journal.emit({
    kind: 'dial.failed',
    node: 'server/server-1',
    dialId: '77',
    error: 'a “quote”\nand a line',
  });
  recorder.close();
  recorder.close();
  return { path, events: journal.events() };
}

describe('a recording', () => {
  it('gives back the events that were written, with seed and time', async () => {
    const { path, events } = await recorded('whole');
    const read = await readRecording(path);
    expect(read).toEqual({
      version: 1,
      seed,
      startedAt: '1970-01-01T00:00:00.000Z',
      events,
      truncated: false,
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is on the disk soon, also while the lab runs', async () => {
    const clock = new ManualClock();
    const path = at('running');
    const recorder = openRecorder({ path, seed, startedAtMs: 0, clock });
    recorder.write({ kind: 'lab.ready', node: 'lab/lab', seq: 1, t: 0 });
    expect(await readFile(path, 'utf8')).toBe('');
    clock.advance(200);
    expect((await readRecording(path)).events).toHaveLength(1);
    recorder.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('whose last line was cut off is read without it, and says so', async () => {
    const { path, events } = await recorded('cut');
    await appendFile(path, '{"kind":"role.st');
    expect(await readRecording(path)).toMatchObject({ events, truncated: true });
  });

  it.each([
    ['an empty file', '', 'it is empty'],
    ['another text', 'hello\n', 'its first line is not that of a recording'],
    ['other JSON', '{"kind":"x"}\n', 'its first line is not that of a recording'],
    [
      'a newer one',
      '{"recording":"konnectivity-sim","version":2}\n',
      'it has version 2, and this release reads version 1',
    ],
    [
      'one with a broken line in its midst',
      '{"recording":"konnectivity-sim","version":1,"seed":1,"startedAt":""}\n{"kind"\n{}\n',
      'line 2 is no event',
    ],
  ])('is not %s', async (_what, text, why) => {
    const path = at('other');
    await writeFile(path, text);
    await expect(readRecording(path)).rejects.toMatchObject({
      code: 'RECORDING_INVALID',
      message: `${path} is not a recording: ${why}`,
    });
  });

  it('that is not there, or cannot be written, has its own code', async () => {
    await expect(readRecording(at('nowhere'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(readRecording(folder.path)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    const wrong = { path: at('nowhere/file'), seed, startedAtMs: 0, clock: new ManualClock() };
    expect(() => openRecorder(wrong)).toThrow(expect.objectContaining({ code: 'FILE_UNWRITABLE' }));
  });
});
