import { z } from 'zod';
import type { Timer } from '../../core/clock.js';
import type { Item } from '../lane.js';
import { duration, type FaultKind, type FaultTools } from './fault-kind.js';

const settings = z.strictObject({
  /** How much later everything arrives. */
  delay: duration,
  /** The most that chance adds to `delay`, or takes from it. */
  jitter: duration.default(0),
  /** How chance is spread: evenly, as a bell, or mostly little and rarely much. */
  distribution: z.enum(['uniform', 'normal', 'pareto']).default('uniform'),
});
type Latency = z.output<typeof settings>;

export const latency: FaultKind<Latency> = {
  does: 'Later, in the same order.',
  lesson:
    'Every round trip takes longer, so what needs many round trips becomes slow, and what streams does not.',
  heals: 'What is under way arrives at once.',
  settings,
  // There and back.
  connect: (chosen, tools) => ({ delayMs: drawDelay(chosen, tools) + drawDelay(chosen, tools) }),
  stage(chosen, tools, pass) {
    const queue: { readonly item: Item; readonly dueMs: number }[] = [];
    let timer: Timer | undefined;
    const { clock } = tools;
    const arm = (): void => {
      const [first] = queue;
      timer = first && clock.after(Math.max(0, first.dueMs - clock.now()), deliver);
    };
    const deliver = (): void => {
      const now = clock.now();
      while ((queue[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= now) pass(queue.shift()?.item ?? 'end');
      arm();
    };
    return {
      take(item) {
        // TCP keeps the order: a byte that jitter made fast waits for the one before it.
        const dueMs = Math.max(clock.now() + drawDelay(chosen, tools), queue.at(-1)?.dueMs ?? 0);
        queue.push({ item, dueMs });
        if (timer === undefined) arm();
      },
      release() {
        timer?.cancel();
        for (const { item } of queue.splice(0)) pass(item);
      },
    };
  },
};

function drawDelay({ delay, jitter, distribution }: Latency, { random }: FaultTools): number {
  return Math.max(0, delay + jitter * spreads[distribution](() => random.next()));
}

/** Numbers from -1 to 1; `pareto` from 0 to 1. */
const spreads = {
  uniform: (next: () => number) => 2 * next() - 1,
  normal: (next: () => number) => (next() + next() + next() + next()) / 2 - 1,
  pareto: (next: () => number) => Math.min(1, (1 / (1 - next()) ** 0.5 - 1) / 9),
} as const;
