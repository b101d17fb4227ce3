import { expect, type TestAPI, type TestContext, test } from 'vitest';
import type { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import type { LabOptions } from '../lab/options.js';
import { startLab } from '../lab/start-lab.js';
import type { EventPattern } from '../observe/event-match.js';
import { type LabUse, LabUses } from './lab-uses.js';
import { labMatchers, type SeenOptions } from './matchers.js';

/** The matchers for labs: `expect(lab).toHaveSeen(…)`. */
export interface LabMatchers {
  /** The journal has an event that matches, by now. `lab.waitFor` waits for one. */
  toHaveSeen(pattern: EventPattern, options?: SeenOptions): void;
  /**
   * Nothing happens from now on, for a duration of lab time: ms, or a text such as `30s`. Without patterns: no packet, dial,
   * connection, agent, server or other part changes; requests to the API that do not use the tunnel do not count. Await it.
   */
  toStayQuietFor(duration: number | string, ...patterns: readonly EventPattern[]): Promise<void>;
  /** All ends agree on which connections there are, at once or within 5 s of real time. Await it. */
  toHaveNoZombies(): Promise<void>;
}

declare module 'vitest' {
  // Vitest's interface has the parameter, so it must be here, and be used.
  interface Matchers<T> extends LabMatchers, Record<never, T> {}
}

expect.extend(labMatchers);

/** What tests of `labTest` get. */
export interface LabFixtures {
  /** The options for `startLab`: `test.override('labOptions', { nodes: 3 })` changes them for the tests of a `describe`. */
  readonly labOptions: LabOptions;
  /** A lab that is ready. It is checked at the end of a test that passed; after a failure a report is printed. */
  readonly lab: Lab;
}

/** What tests of `labTest` get that share a lab. */
export interface SharedLabFixtures extends LabFixtures {
  /** The same lab as `lab`, for `beforeAll` and for fixtures of the same scope. */
  readonly sharedLab: Lab;
}

/** How tests use labs. */
export interface LabTestSettings {
  /**
   * `test`: a lab for each test. `file`: one for all tests of a file. `worker`: one for all files of a worker, with vitest's
   * `isolate: false`; they import the `test` from one module. Default `test`.
   */
  readonly scope?: 'test' | 'file' | 'worker';
  /** Whether labs are checked after tests that passed, as by `lab.checkInvariants()`. Default true. */
  readonly invariants?: boolean;
}

/**
 * Vitest's `test` with a lab as a fixture: `labTest({ nodes: 1 })('it answers', async ({ lab }) => …)`. The lab starts when
 * a test asks for it, and stops at the end of its scope. A lab of one test also stops when the test's time is up or the run is
 * cancelled, so that what waits for it ends. `test.extend` adds your own fixtures.
 */
export function labTest(
  options?: LabOptions,
  settings?: LabTestSettings & { readonly scope?: 'test' },
): TestAPI<LabFixtures>;
export function labTest(
  options: LabOptions,
  settings: LabTestSettings & { readonly scope: 'file' | 'worker' },
): TestAPI<SharedLabFixtures>;
export function labTest(
  options: LabOptions = {},
  { scope = 'test', invariants = true }: LabTestSettings = {},
): TestAPI<LabFixtures> | TestAPI<SharedLabFixtures> {
  return scope === 'test' ? ownLabs(options, invariants) : sharedLabs(options, scope, invariants);
}

function ownLabs(options: LabOptions, invariants: boolean): TestAPI<LabFixtures> {
  return test.extend<LabFixtures>({
    labOptions: [options, { scope: 'test' }],
    lab: async ({ labOptions, task, signal, onTestFinished }, use) => {
      const lab = await startLab(labOptions);
      // Vitest has given the test up meanwhile, and will not come back to its fixtures.
      if (signal.aborted) {
        await lab.stop();
        throw signal.reason;
      }
      const end = endOf(new LabUses(lab).begin(signal), { task, onTestFinished, invariants });
      const stop = (): void => void lab.stop();
      signal.addEventListener('abort', stop, { once: true });
      await use(lab);
      try {
        await end();
      } finally {
        await lab.stop();
      }
    },
  });
}

function sharedLabs(
  options: LabOptions,
  scope: 'file' | 'worker',
  invariants: boolean,
): TestAPI<SharedLabFixtures> {
  const uses = new WeakMap<Lab, LabUses>();
  return test.extend<SharedLabFixtures>({
    labOptions: [options, { scope }],
    sharedLab: [
      async ({ labOptions }, use) => {
        const lab = await startLab(labOptions);
        uses.set(lab, new LabUses(lab));
        await use(lab);
        await lab.stop();
      },
      { scope },
    ],
    lab: async ({ sharedLab, task, signal, onTestFinished }, use) => {
      const all = uses.get(sharedLab) ?? new LabUses(sharedLab);
      const end = endOf(all.begin(signal), { task, onTestFinished, invariants });
      await use(sharedLab);
      await end();
    },
  });
}

interface Watched extends Pick<TestContext, 'task' | 'onTestFinished'> {
  readonly invariants: boolean;
}

/**
 * Ends a test's use of a lab, and fails the test that left it in a wrong state. The failure waits for `onTestFinished`: vitest
 * leaves out the fixtures behind one that fails at its end, and shows that failure twice.
 */
function endOf(use: LabUse, { task, onTestFinished, invariants }: Watched): () => Promise<void> {
  let failure: TunnelError | undefined;
  let finished = false;
  onTestFinished(() => {
    finished = true;
    if (failure !== undefined) throw failure;
  });
  return async () => {
    const state = task.result?.state;
    const isChecked = invariants && state === 'pass';
    const { report, error } = await use.end({ failed: state === 'fail', invariants: isChecked });
    if (report !== undefined && task.fails !== true) console.error(report);
    failure = error;
    // With `aroundEach` the fixtures end after `onTestFinished`.
    if (finished && failure !== undefined) throw failure;
  };
}
