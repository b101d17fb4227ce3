import { createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import { misplacedData } from '../observe/data-order.js';
import { unfinishedDials } from '../observe/unfinished.js';
import { eventLine } from '../observe/wait-text.js';
import type { LabInsides } from './lab-insides.js';
import { countOpen, type OpenCounts, running } from './open-counts.js';

/** Options of `Lab.checkInvariants`. */
export interface InvariantOptions {
  /** The DATA of dials that began after this mark is checked. Default 0: of all that are still in the journal. */
  readonly since?: number;
  /** What may be open: `lab.open()` of before. Default: nothing. */
  readonly open?: OpenCounts;
  /** How long to wait for what ends by itself, ms of real time. Default 5000. */
  readonly withinMs?: number;
}

const defaultWithinMs = 5000;
/** How often it looks, ms of real time. */
const stepMs = 2;
/** How many unfinished dials the text names. */
const maxNamed = 10;

/** Rejects with INVARIANT_BROKEN, as `Lab.checkInvariants` says. */
export async function checkInvariants(insides: LabInsides, options: InvariantOptions = {}): Promise<void> {
  const { since = 0, open, withinMs = defaultWithinMs } = options;
  // Sockets close in real time, however fast the time of the lab runs.
  const clock = createRealClock();
  const deadline = clock.now() + withinMs;
  const unsettled = (): string[] => [...leaks(insides, open), ...disagreements(insides)];
  while (unsettled().length > 0 && clock.now() < deadline) await pause(clock, stepMs);
  const events = insides.journal.events().filter(({ seq }) => seq > since);
  const left = leaks(insides, open);
  const named = left.length === 0 ? [] : unfinishedDials(events).slice(-maxNamed);
  const broken = [
    ...left,
    ...named.map((event) => `  began and did not end: ${eventLine(event)}`),
    ...disagreements(insides),
    ...misplacedData(events),
  ];
  if (broken.length === 0) return;
  throw new TunnelError('INVARIANT_BROKEN', broken.join('\n'), { where: 'lab' });
}

/** One line for each count that is more than before. */
function leaks(insides: LabInsides, before: OpenCounts | undefined): string[] {
  const kept = insides.parts.apiservers.keptConnections;
  const allowed: OpenCounts = {
    frontends: kept,
    pendingDials: 0,
    established: kept,
    endpoints: kept,
    kubeletRequests: 0,
    tunnelConnections: kept,
  };
  const names = Object.keys(allowed) as (keyof OpenCounts)[];
  const open = countOpen(insides);
  return names
    .filter((name) => open[name] > Math.max(allowed[name], before?.[name] ?? 0))
    .map((name) => {
      const earlier = before?.[name] ?? 0;
      return `left open: ${name} ${open[name]}${earlier === 0 ? '' : `, before ${earlier}`}`;
    });
}

/** One line for each server that counts other agents than those that are connected to it. */
function disagreements({ parts: { servers, agents } }: LabInsides): string[] {
  const claims = running(agents).flatMap((agent) => agent.snapshot().servers);
  return servers.connected().flatMap(({ name, agents: counted }) => {
    const claimed = claims.filter((server) => server === name).length;
    if (claimed === counted) return [];
    return [`server/${name} has ${counted} agents; ${claimed} agents say that they are connected to it`];
  });
}
