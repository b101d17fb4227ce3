import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import type { FaithfulName } from '../../src/core/faithful.js';
import type { Invariant } from '../support/invariants.js';
import { shrinkSimulation, simulationAsTest } from './shrink.js';
import { runSimulation, type SimulationOptions, type SimulationRun } from './simulation.js';

/** A seed by chance unless one is given, printed; `SIMULATION_SEED=n` in the environment repeats a run. */
function chooseSeed(): number {
  const chosen = Number(process.env['SIMULATION_SEED'] ?? randomInt(2 ** 32));
  process.stdout.write(`SIMULATION_SEED=${chosen}\n`);
  return chosen;
}

const seed = chooseSeed();
const schedules = 1000;
/** Between the groups the test runner gets a turn. */
const groups = 10;
const groupSize = schedules / groups;
const group = Array.from({ length: groups }, (_none, index) => index * groupSize);

/** Fails with the smallest schedule found, as a test. */
function expectNoFailure(run: SimulationRun): void {
  if (run.failure === undefined) return;
  const small = shrinkSimulation(run);
  const again = `SIMULATION_SEED=${seed} repeats it. As a test:`;
  throw new Error(
    `${small.failure?.invariant}: ${small.failure?.text}\n${again}\n\n${simulationAsTest(small)}\n`,
  );
}

/** The first of many runs that breaks the invariant. */
function firstToBreak(invariant: Invariant, more: Omit<SimulationOptions, 'seed'>): SimulationRun {
  for (let each = 0; each < schedules; each += 1) {
    const run = runSimulation({ seed: seed + each, ...more });
    if (run.failure?.invariant === invariant) return run;
  }
  throw new Error(`${schedules} schedules do not break ${invariant}`);
}

describe('random schedules of dials, data, faults and restarts', () => {
  it.each(group)('R12, R14, R20, R22, R32: all invariants hold, from schedule %i on', (from) => {
    for (let each = from; each < from + groupSize; each += 1)
      expectNoFailure(runSimulation({ seed: seed + each }));
  });

  it('one seed gives one journal, byte for byte', () => {
    const journals = [0, 1].map(() => JSON.stringify(runSimulation({ seed }).journal));
    expect(journals[0]?.length).toBeGreaterThan(1000);
    expect(journals[0]).toBe(journals[1]);
  });

  it('a minute of the tunnel passes in milliseconds', () => {
    const startedAt = performance.now();
    let [minutes, events] = [0, 0];
    for (let each = 0; each < 20; each += 1) {
      const { virtualMs, journal } = runSimulation({ seed: seed + each });
      minutes += virtualMs / 60_000;
      events += journal.length;
    }
    const tookMs = performance.now() - startedAt;
    const perMinute = (count: number): string => (count / minutes).toFixed(1);
    process.stdout.write(`a minute of tunnel time: ${perMinute(tookMs)} ms, ${perMinute(events)} events\n`);
    expect(minutes).toBeGreaterThan(20);
  });
});

describe('a known fault of the original breaks an invariant', () => {
  const twins = { as: 'real', agents: 2, twins: 1, servers: 1 } as const;

  it.each<[FaithfulName, Invariant, Omit<SimulationOptions, 'seed'>]>([
    ['lost-close-unnoticed', 'beliefs-agree', { as: 'ideal' }],
    ['teardown-by-agent-id', 'beliefs-agree', twins],
    ['key-by-agent-id', 'own-bytes', { ...twins, faithful: ['connect-ids-per-server'] }],
  ])('%s breaks %s', (name, invariant, more) => {
    const { failure } = firstToBreak(invariant, { ...more, faithful: [name, ...(more.faithful ?? [])] });
    expect(failure?.text).not.toBe('');
  });

  it('and its schedule shrinks to the steps that matter, as a test to paste', () => {
    const found = firstToBreak('beliefs-agree', { as: 'ideal', faithful: ['lost-close-unnoticed'] });
    const small = shrinkSimulation(found);
    expect(small.failure?.invariant).toBe('beliefs-agree');
    expect(small.plan.steps.length).toBeLessThan(10);
    expect(runSimulation(small.plan).failure).toEqual(small.failure);
    const [step] = small.plan.steps;
    expect(simulationAsTest(small)).toContain(
      `{ afterMs: ${step?.afterMs}, do: '${step?.do}', pick: ${step?.pick} },`,
    );
  });
});
