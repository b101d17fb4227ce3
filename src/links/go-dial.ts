import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { type Clock, createRealClock } from '../core/clock.js';
import { type Deadline, startDeadline } from './deadline.js';
import { type GoTarget, invalidPort, lookupError, noSuchHost, stopError } from './go-errors.js';
import { type ConnectPlan, connectTcp, type OpenTcp } from './tcp-connect.js';

/** Konnectivity's agent waits five seconds for an endpoint. */
export const defaultDialTimeoutMs = 5000;

export interface GoDialOptions {
  /** The time for look-up and all addresses together, ms. Default 5000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
  /** The `where` of errors. Default `endpoint HOST:PORT`. */
  readonly where?: string;
  /** Opens the socket. Default `net.connect`. */
  readonly open?: OpenTcp | undefined;
}

/**
 * A TCP connect that fails with the texts of Go's `net.Dial`. Proxy-servers map these to HTTP codes, and users' alerts
 * match them. Rejects with DIAL_FAILED, DIAL_TIMEOUT, or DIAL_CANCELLED when `signal` aborts. The socket has an `error`
 * listener from the start and no Nagle delay.
 */
export async function goDial(host: string, port: number, options: GoDialOptions = {}): Promise<Socket> {
  const target: GoTarget = { host: host === '' ? 'localhost' : host, port, where: options.where };
  if (!isPort(port)) throw invalidPort(target);
  const clock = options.clock ?? createRealClock();
  const deadline = startDeadline(clock, options.timeoutMs ?? defaultDialTimeoutMs, options.signal);
  try {
    const addresses = isIP(target.host) === 0 ? await resolve(target, deadline) : [target.host];
    const { signal, open } = options;
    return await connectFirst(addresses, target, { clock, deadline, signal, open });
  } finally {
    deadline.close();
  }
}

/** True for a valid TCP port, 1 to 65535. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

/** The system's resolver cannot be interrupted. A stopped dial does not wait for it. */
function resolve(target: GoTarget, deadline: Deadline): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const forget = deadline.onStop((reason) => reject(stopError(target, reason)));
    lookup(target.host, { all: true })
      .then((found) => resolve(found.map(({ address }) => address)))
      .catch((error: unknown) => reject(lookupError(target, error)))
      .finally(forget);
  });
}

interface Attempt {
  readonly clock: Clock;
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  readonly open: OpenTcp | undefined;
}

const minShareMs = 2000;

/** As in Go: each address gets its share of the time left, at least 2 s. When all fail: the first error. */
async function connectFirst(
  addresses: readonly string[],
  target: GoTarget,
  attempt: Attempt,
): Promise<Socket> {
  const [only] = addresses;
  if (only === undefined) throw noSuchHost(target);
  if (addresses.length === 1) return connectTcp(planFor(only, target), attempt.deadline, attempt.open);
  let first: unknown;
  for (const [index, host] of addresses.entries()) {
    const leftMs = attempt.deadline.remainingMs();
    const shareMs = Math.min(leftMs, Math.max(minShareMs, leftMs / (addresses.length - index)));
    const share = startDeadline(attempt.clock, shareMs, attempt.signal);
    try {
      return await connectTcp(planFor(host, target), share, attempt.open);
    } catch (error) {
      if (share.stopped === 'cancelled') throw error;
      if (index === 0) first = error;
      if (attempt.deadline.stopped !== undefined) break;
    } finally {
      share.close();
    }
  }
  throw first;
}

const planFor = (host: string, target: GoTarget): ConnectPlan => ({
  real: { host, port: target.port },
  shown: { ...target, host },
});
