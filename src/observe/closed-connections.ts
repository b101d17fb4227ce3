import type { MetricKit } from './metric-kit.js';

export interface ClosedConnections<R extends string> {
  /** A connection ended. `bytes` are those of its two directions, in their order. */
  add(reason: R, bytes: readonly [number, number]): void;
  /** Bytes of all ended connections, in the two directions. */
  total(): readonly [number, number];
}

/** Counts ended connections and their payload, by reason. All reasons are shown from the start. */
export function countClosedConnections<R extends string>(
  kit: MetricKit,
  reasons: readonly R[],
  [one, other]: readonly [string, string],
): ClosedConnections<R> {
  const closed = kit.tally(
    'connections_closed_total',
    'Connections that ended, by reason.',
    'reason',
    reasons,
  );
  const sums = new Map(reasons.map((reason): [R, [number, number]] => [reason, [0, 0]]));
  kit.scraped(
    'counter',
    {
      name: 'closed_connection_bytes_total',
      help: 'Payload of the connections that ended, by reason and direction.',
      labels: ['reason', 'direction'],
    },
    () =>
      [...sums].flatMap(([reason, [first, second]]) => [
        [[reason, one], first] as const,
        [[reason, other], second] as const,
      ]),
  );
  return {
    add(reason, [first, second]) {
      closed(reason);
      const sum = sums.get(reason) ?? [0, 0];
      sums.set(reason, [sum[0] + first, sum[1] + second]);
    },
    total: () =>
      [...sums.values()].reduce<readonly [number, number]>(
        ([first, second], sum) => [first + sum[0], second + sum[1]],
        [0, 0],
      ),
  };
}
