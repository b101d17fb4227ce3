import { isIP, type Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import { type StopReason, startDeadline } from '../links/deadline.js';
import { namePattern } from '../links/edge.js';
import type { FaultPoints } from '../links/fault-points.js';
import { fallbackMs, type ResolverAnswer, refusedLookup, staleAddress } from '../links/faulty-lookup.js';
import { connectError, stopError } from '../links/go-errors.js';
import type { ConnectEndpoint } from './options.js';

type DialLimits = Parameters<ConnectEndpoint>[2];

/** As `connect`, with the faults of an agent's resolver and of its descriptors. */
export function withDialFaults(connect: ConnectEndpoint, faults: FaultPoints, clock: Clock): ConnectEndpoint {
  let open = 0;
  const counted = async (dial: () => Promise<Socket>): Promise<Socket> => {
    open += 1;
    const closed = (): void => void (open -= 1);
    try {
      const socket = await dial();
      if (socket.closed) closed();
      else socket.once('close', closed);
      return socket;
    } catch (error) {
      closed();
      throw error;
    }
  };
  return (host, port, limits) => {
    const isFull = faults.meet('descriptors', { text: `${open} are open` }, ({ limit }) => open >= limit);
    if (isFull !== undefined) return Promise.reject(connectError({ host, port }, { code: 'EMFILE' }));
    return counted(async () => {
      const isAsked = ({ name }: { readonly name: string }): boolean =>
        isIP(host) === 0 && namePattern(name)(host);
      const answer = faults.meet('resolver', { text: host }, isAsked)?.answer;
      const timeoutMs =
        answer === undefined ? limits.timeoutMs : await lookUp(answer, { host, port, clock, limits });
      return connect(host, port, { ...limits, timeoutMs });
    });
  };
}

interface Lookup {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly limits: DialLimits;
}

/** So much earlier than the dial the look-up gives up, ms: its words tell more. */
const headStartMs = 250;

/** Resolves with the time that is left for the address that answers, ms. Rejects with Go's words. */
async function lookUp(answer: ResolverAnswer, { host, port, clock, limits }: Lookup): Promise<number> {
  const timeoutMs = Math.max(0, limits.timeoutMs - headStartMs);
  const target = { host, port };
  const failure = refusedLookup(answer, target);
  if (failure !== undefined) throw failure;
  if (answer === 'timeout') throw stopError(target, await spent(timeoutMs, clock, limits));
  if (answer === 'stale') {
    const reason = await spent(timeoutMs, clock, limits);
    throw stopError({ host: staleAddress, port }, reason);
  }
  // Of two addresses each has half of the time.
  const lostMs = answer === 'deadFirst' ? timeoutMs / 2 : fallbackMs;
  if ((await spent(lostMs, clock, limits)) === 'cancelled') throw stopError(target, 'cancelled');
  return timeoutMs - lostMs;
}

/** Resolves when so much time has passed, or the dial was given up. */
async function spent(ms: number, clock: Clock, { signal }: DialLimits): Promise<StopReason> {
  const deadline = startDeadline(clock, ms, signal);
  try {
    return await new Promise<StopReason>((resolve) => void deadline.onStop(resolve));
  } finally {
    deadline.close();
  }
}
