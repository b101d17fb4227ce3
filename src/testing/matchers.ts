import { createRealClock } from '../core/clock.js';
import { parseDuration } from '../core/duration.js';
import { TunnelError } from '../core/errors.js';
import type { LabEvent } from '../core/events.js';
import { pause } from '../core/pause.js';
import type { ConnectionView } from '../lab/connections.js';
import type { Lab } from '../lab/lab.js';
import { type EventPattern, matches } from '../observe/event-match.js';
import { eventLine, missLines, wantedText } from '../observe/wait-text.js';

/** What a matcher found, in the form that vitest and jest have in common. */
export interface MatcherOutcome {
  /** Whether the expectation holds, without `not`. */
  readonly pass: boolean;
  /** Why it does not hold, or, with `not`, why it does. */
  readonly message: () => string;
}

/** Options of `toHaveSeen`. */
export interface SeenOptions {
  /** Only events after this mark count. Default 0: all that are still in the journal. */
  readonly since?: number;
}

/**
 * Matchers for labs: `expect.extend(labMatchers)` in jest. `konnectivity-sim/vitest` adds them by itself. They throw USAGE when the
 * value is no lab or a duration cannot be read.
 */
export const labMatchers = {
  /** The journal has an event that matches, by now. `lab.waitFor` waits for one. */
  toHaveSeen(lab: Lab, pattern: EventPattern, { since = 0 }: SeenOptions = {}): MatcherOutcome {
    checkLab(lab, 'toHaveSeen');
    const events = lab.events().filter(({ seq }) => seq > since);
    const found = events.find((event) => matches(pattern, event));
    const message = (): string =>
      found === undefined
        ? [`the lab has not seen ${wantedText(pattern)}`, ...missLines(pattern, events)].join('\n')
        : `the lab has seen ${wantedText(pattern)}: ${eventLine(found)}`;
    return { pass: found !== undefined, message };
  },

  /**
   * Nothing happens from now on, for a duration of lab time: ms, or a text such as `30s`. Without patterns: no packet, dial,
   * connection, agent, server or other part changes; requests to the API that do not use the tunnel do not count.
   */
  async toStayQuietFor(
    lab: Lab,
    duration: number | string,
    ...patterns: readonly EventPattern[]
  ): Promise<MatcherOutcome> {
    checkLab(lab, 'toStayQuietFor');
    const withinMs = typeof duration === 'number' ? duration : parseDuration(duration);
    if (withinMs === undefined || !(withinMs >= 0)) {
      throw new TunnelError('USAGE', `toStayQuietFor: ${duration} is no duration, such as 500 or 30s`);
    }
    const isNoise = (event: LabEvent): boolean =>
      patterns.length === 0 ? isOfTunnel(event) : patterns.some((pattern) => matches(pattern, event));
    const found = await nextEvent(lab, isNoise, withinMs);
    const message = (): string =>
      found === undefined
        ? `the lab stayed quiet for ${duration}`
        : `the lab did not stay quiet for ${duration}: ${eventLine(found)}`;
    return { pass: found === undefined, message };
  },

  /** All ends agree on which connections there are, at once or within 5 s of real time: a packet may be on its way. */
  async toHaveNoZombies(lab: Lab): Promise<MatcherOutcome> {
    checkLab(lab, 'toHaveNoZombies');
    const clock = createRealClock();
    const deadline = clock.now() + agreeWithinMs;
    const zombies = (): readonly ConnectionView[] => lab.connections().filter(({ zombie }) => zombie);
    while (zombies().length > 0 && clock.now() < deadline) await pause(clock, 10);
    const found = zombies();
    const message = (): string =>
      found.length === 0
        ? 'all ends of the lab agree on their connections'
        : ['the lab has connections that not all their ends hold:', ...found.map(zombieText)].join('\n');
    return { pass: found.length === 0, message };
  },
};

const agreeWithinMs = 5000;

const zombieText = ({ address, request, server, agent, heldBy }: ConnectionView): string =>
  `  ${request ?? 'a dial'} to ${address} through ${server}${agent === undefined ? '' : ` and ${agent}`}: held by ${heldBy.join(', ')} alone`;

const tunnelKinds =
  /^(?:packet$|dial\.|connection\.|endpoint\.|agent\.|backend\.|frontend\.|flow\.(?:forgotten|lost|refused)|peer\.|role\.|fault\.)/;

/** HELD packets compare from time to time what both ends hold; they change nothing. */
function isOfTunnel(event: LabEvent): boolean {
  return tunnelKinds.test(event.kind) && !(event.kind === 'packet' && event.packet === 'HELD');
}

async function nextEvent(
  lab: Lab,
  fits: (event: LabEvent) => boolean,
  withinMs: number,
): Promise<LabEvent | undefined> {
  try {
    return await lab.waitFor(fits, { since: lab.mark(), withinMs });
  } catch (error) {
    if (error instanceof TunnelError && error.code === 'WAIT_TIMEOUT') return undefined;
    throw error;
  }
}

function checkLab(value: unknown, matcher: string): void {
  if (typeof value === 'object' && value !== null && 'waitFor' in value) return;
  throw new TunnelError('USAGE', `expect(lab).${matcher}(…) is for labs, which startLab gives`);
}
