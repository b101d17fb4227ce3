import type { WebJournal } from './journal.js';
import type { RequestState } from './requests.js';

/** The moments of a request at which something can be seen, ms of lab time, in order. */
export function momentsOf(journal: WebJournal, request: RequestState): readonly number[] {
  const moments = new Set<number>([request.start]);
  const first = journal.countAt(request.start - 0.001);
  const end = request.end ?? journal.end;
  const last = journal.countAt(end);
  for (let index = first; index < last; index += 1) {
    const event = journal.events[index];
    if (event?.request === request.id) moments.add(event.t);
  }
  moments.add(end);
  return [...moments].sort((a, b) => a - b);
}

/** How long a stretch of lab time is shown, ms: long ones are not much longer, short ones can still be seen. */
function shownFor(stretchMs: number): number {
  return Math.min(1200, 90 + 110 * Math.log10(1 + Math.max(0, stretchMs)));
}

/** A time line on which each stretch between two moments can be seen, however short or long it was. */
export class EvenTime {
  private readonly moments: readonly number[];
  private readonly places: readonly number[];
  /** All of it, ms of shown time. */
  readonly total: number;

  constructor(moments: readonly number[]) {
    let total = 0;
    this.moments = moments;
    this.places = moments.map((moment, index) => {
      const before = moments[index - 1];
      total += before === undefined ? 0 : shownFor(moment - before);
      return total;
    });
    this.total = total;
  }

  /** Lab time → shown time. */
  place(t: number): number {
    return between(this.moments, this.places, t);
  }

  /** Shown time → lab time. */
  time(place: number): number {
    return between(this.places, this.moments, place);
  }
}

function between(from: readonly number[], to: readonly number[], value: number): number {
  const last = from.length - 1;
  if (value <= (from[0] ?? 0)) return to[0] ?? 0;
  if (value >= (from[last] ?? 0)) return to[last] ?? 0;
  let index = 1;
  while ((from[index] ?? 0) < value) index += 1;
  const [a = 0, b = 0] = [from[index - 1], from[index]];
  const [c = 0, d = 0] = [to[index - 1], to[index]];
  return b === a ? d : c + ((value - a) / (b - a)) * (d - c);
}
