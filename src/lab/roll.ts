import { TunnelError } from '../core/errors.js';
import { namePattern } from '../links/edge.js';
import type { LabPart, StopOptions } from './part.js';

/** Options of `lab.roll`. */
export interface RollOptions extends StopOptions {
  /**
   * `inTurn`: one after the other, each waiting until the one before has started again and all agents are back; `reversed`:
   * the same from the last to the first; `together`: all at once. Default `inTurn`.
   */
  readonly order?: 'inTurn' | 'reversed' | 'together';
}

const orders: readonly string[] = ['inTurn', 'reversed', 'together'];

/** Stops and starts the parts whose names fit. Rejects with NODE_NOT_FOUND, CONFIG_INVALID, or as `LabPart.start`. */
export async function roll(
  parts: readonly LabPart[],
  pattern: string,
  { order = 'inTurn', ...stop }: RollOptions,
): Promise<void> {
  if (!orders.includes(order)) {
    throw new TunnelError('CONFIG_INVALID', `order: is one of ${orders.join(', ')}, not ${order}`);
  }
  const chosen = parts.filter(({ name }) => namePattern(pattern)(name));
  if (chosen.length === 0) {
    const names = parts.map(({ name }) => name).join(', ');
    throw new TunnelError('NODE_NOT_FOUND', `no part is called ${pattern}; there are ${names}`);
  }
  if (order === 'together') {
    await Promise.all(chosen.map((part) => part.stop(stop)));
    await Promise.all(chosen.map((part) => part.start()));
    return;
  }
  for (const part of order === 'inTurn' ? chosen : chosen.toReversed()) {
    await part.stop(stop);
    await part.start();
  }
}
