import { z } from 'zod';
import type { Timer } from '../../core/clock.js';
import type { Item } from '../lane.js';
import { duration, type FaultKind } from './fault-kind.js';

const settings = z.strictObject({
  /** The share of pieces that are lost, from 0 to 1. */
  share: z.number().min(0).max(1),
  /** How long TCP waits before it sends a lost piece again. It doubles each time that is lost, too. */
  resendAfter: duration.default(200),
});

/** The most times in a row that chance may lose one piece. */
const maxResends = 6;

export const loss: FaultKind<z.output<typeof settings>> = {
  does: 'Packets are lost, as TCP shows it: pauses that double.',
  lesson: 'TCP hides loss: no byte is missing, but all bytes wait while the lost piece is sent again.',
  heals: 'What waits arrives at once.',
  settings,
  stage({ share, resendAfter }, { clock, random }, pass) {
    const queue: Item[] = [];
    let timer: Timer | undefined;
    const pauseMs = (): number => {
      let times = 0;
      while (times < maxResends && random.next() < share) times += 1;
      return resendAfter * (2 ** times - 1);
    };
    const send = (item: Item): void => {
      const ms = typeof item === 'string' ? 0 : pauseMs();
      if (ms === 0) return pass(item);
      queue.unshift(item);
      timer = clock.after(ms, () => {
        timer = undefined;
        const found = queue.shift();
        if (found !== undefined) pass(found);
        while (queue.length > 0 && timer === undefined) send(queue.shift() ?? 'end');
      });
    };
    return {
      take(item) {
        if (timer === undefined) send(item);
        else queue.push(item);
      },
      release() {
        timer?.cancel();
        for (const item of queue.splice(0)) pass(item);
      },
    };
  },
};
