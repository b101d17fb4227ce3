import type { SimulationStep } from './schedule.js';
import { runSimulation, type SimulationPlan, type SimulationRun } from './simulation.js';

const simpler: readonly Partial<SimulationPlan>[] = [
  { faithful: [] },
  { twins: 0 },
  { servers: 1 },
  { agents: 1, twins: 0 },
];

/**
 * Looks for a smaller plan with the same failure: fewer steps, shorter pauses, fewer parts and switches. Returns the run
 * itself if it has no failure.
 */
export function shrinkSimulation(run: SimulationRun): SimulationRun {
  if (run.failure === undefined) return run;
  let best = run;
  const takes = (change: Partial<SimulationPlan>): boolean => {
    const smaller = runSimulation({ ...best.plan, ...change });
    const same = smaller.failure?.invariant === best.failure?.invariant;
    if (same) best = smaller;
    return same;
  };
  for (const change of simpler) takes(change);
  for (let size = best.plan.steps.length; size >= 1; size = Math.floor(size / 2)) {
    dropSteps(() => best.plan.steps, size, takes);
  }
  for (const [index, { afterMs }] of best.plan.steps.entries()) {
    if (afterMs > 0) takes({ steps: best.plan.steps.with(index, { ...stepAt(best, index), afterMs: 0 }) });
  }
  return best;
}

/** Drops so many steps at a time wherever the failure stays. Their time passes all the same. */
function dropSteps(
  steps: () => readonly SimulationStep[],
  size: number,
  takes: (change: Partial<SimulationPlan>) => boolean,
): void {
  for (let at = 0; at < steps().length; ) {
    const [before, dropped, behind] = [
      steps().slice(0, at),
      steps().slice(at, at + size),
      steps().slice(at + size),
    ];
    const passedMs = dropped.reduce((total, { afterMs }) => total + afterMs, 0);
    const [next, ...rest] = behind;
    const later = next === undefined ? [] : [{ ...next, afterMs: next.afterMs + passedMs }, ...rest];
    if (!takes({ steps: [...before, ...later] })) at += size;
  }
}

function stepAt({ plan }: SimulationRun, index: number): SimulationStep {
  return plan.steps[index] ?? { afterMs: 0, do: 'readersGoOn', pick: 0 };
}

/** A test to paste: it runs the plan and expects that all invariants hold. */
export function simulationAsTest({ plan, failure }: SimulationRun): string {
  const { seed, as, faithful, servers, agents, twins, steps } = plan;
  const lines = steps.map(
    ({ afterMs, do: action, pick }) => `      { afterMs: ${afterMs}, do: '${action}', pick: ${pick} },`,
  );
  const names = faithful.map((name) => `'${name}'`).join(', ');
  return [
    `it('simulation of seed ${seed}: ${failure?.invariant ?? 'all invariants hold'}', () => {`,
    `  const { failure } = runSimulation({`,
    `    ...{ seed: ${seed}, as: '${as}', faithful: [${names}], servers: ${servers}, agents: ${agents}, twins: ${twins} },`,
    `    steps: [`,
    ...lines,
    `    ],`,
    `  });`,
    `  expect(failure).toBeUndefined();`,
    `});`,
  ].join('\n');
}
