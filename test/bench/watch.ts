import type { Clock } from '../../src/core/clock.js';
import { type EventSink, ignoreEvents } from '../../src/core/events.js';
import { createJournal } from '../../src/observe/journal.js';
import type { Watching } from './requests.js';

/** The options of a part that is watched so, with a journal of its own. */
export function recording(
  watching: Watching,
  clock: Clock,
): { readonly emit: EventSink; readonly packetEvents: boolean } {
  if (watching === 'nothing') return { emit: ignoreEvents, packetEvents: false };
  return { emit: createJournal({ clock }).emit, packetEvents: watching === 'packets' };
}
