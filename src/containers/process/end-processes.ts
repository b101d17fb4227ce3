import type { Clock } from '../../core/clock.js';
import { pause } from '../../core/pause.js';
import { type Membership, membersOf } from './process-table.js';

/** Sends a signal to the process group of each session; groups that have ended are ignored. */
export function signalSessions(sessions: Iterable<number>, signal: NodeJS.Signals): void {
  for (const session of sessions) sendSignal(-session, signal);
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // Gone already.
  }
}

const lookAgainMs = 5;
/** A process that survives SIGKILL hangs in the kernel; waiting longer does not help. */
const maxLooks = 200;

/** Kills every process of a container, in any session, and resolves when none is left. */
export async function killMembers(membership: Membership, clock: Clock): Promise<void> {
  signalSessions(membership.sessions, 'SIGKILL');
  for (let look = 0; look < maxLooks; look++) {
    const left = await membersOf(membership);
    if (left.length === 0) return;
    for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    await pause(clock, lookAgainMs);
  }
}
