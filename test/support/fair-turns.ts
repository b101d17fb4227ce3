import type { Packet } from '../../src/core/packet.js';
import type { Random } from '../../src/core/random.js';
import { turnOf } from '../../src/wire/carrier/fair-queue.js';

/** The place of what the queue of a real stream may send next: what goes first, else the oldest packet of any connection. */
export function nextTurn(inbox: readonly (Packet | 'finished')[], random: Random): number {
  const turns = new Map<unknown, number>();
  inbox.forEach((item, index) => {
    const turn = item === 'finished' ? item : turnOf(item);
    if (!turns.has(turn)) turns.set(turn, index);
  });
  const first = turns.get(undefined);
  if (first !== undefined) return first;
  if (turns.size > 1) turns.delete('finished');
  return [...turns.values()][random.below(turns.size)] ?? 0;
}
