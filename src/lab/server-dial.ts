import { Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import { namePattern } from '../links/edge.js';
import type { FaultPoints } from '../links/fault-points.js';
import { fallbackMs, type ResolverAnswer, refusedLookup, silentLookup } from '../links/faulty-lookup.js';

/** The name by which agents know their servers. */
export const serversName = 'proxy.konnsim';
/** How long a resolver may take for one answer, as in Go. */
const lookupTimeoutMs = 5000;

export interface ServerDial {
  readonly faults: FaultPoints;
  readonly clock: Clock;
  /** Of the node that asks. */
  readonly ip: string;
  readonly port: number;
  /** How long the whole attempt may take, ms. */
  readonly attemptMs: number;
  /** Connects the socket to a server. */
  readonly connect: (socket: Socket) => void;
}

/** Dials the servers by their name. The socket emits `lookup`, then `connect`, or an error in Go's words. */
export function dialServers({ faults, clock, ip, port, attemptMs, connect }: ServerDial): Socket {
  const socket = new Socket();
  socket.on('error', () => undefined);
  const answer = faults.meet('resolver', { text: serversName }, ({ name }) =>
    namePattern(name)(serversName),
  )?.answer;
  const target = { host: serversName, port };
  const failure = answer === undefined ? undefined : refusedLookup(answer, target);
  const later = (ms: number, act: () => void): void => {
    const timer = clock.after(ms, act);
    socket.once('close', () => timer.cancel());
  };
  if (failure !== undefined) process.nextTick(() => socket.destroy(failure));
  else if (answer === 'timeout') later(lookupTimeoutMs, () => socket.destroy(silentLookup(target, ip)));
  else {
    // Its owner listens by then.
    process.nextTick(() => socket.emit('lookup', null, ip, 4, serversName));
    // To an address of before a move nothing ever connects.
    if (answer !== 'stale') afterDeadOnes(answer, { attemptMs, later, connect: () => connect(socket) });
  }
  return socket;
}

interface AfterDeadOnes {
  readonly attemptMs: number;
  readonly later: (ms: number, act: () => void) => void;
  readonly connect: () => void;
}

/** As in Go: each of two addresses has half of the time; after an IPv6 address the other family begins soon. */
function afterDeadOnes(
  answer: ResolverAnswer | undefined,
  { attemptMs, later, connect }: AfterDeadOnes,
): void {
  if (answer === 'deadFirst') later(attemptMs / 2, connect);
  else if (answer === 'ipv6First') later(fallbackMs, connect);
  else connect();
}
