import fc from 'fast-check';
import { expect, it } from 'vitest';
import { roundMs } from '../../src/core/held-rounds.js';
import { TunnelModel } from '../support/tunnel-model.js';
import { actions, checkBothEnds, clientCloses, deliverAll } from '../support/tunnel-steps.js';

/** What ends or stalls live connections by itself is not among them. */
const operations = [
  ...(['dial', 'dial', 'accept', 'accept', 'accept', 'refuse', 'clientWrites', 'endpointWrites'] as const),
  ...(['deliver', 'deliver', 'deliver', 'deliverAll', 'deliverAll', 'deliverAll', 'clientCloses'] as const),
  ...(['endpointEnds', 'loseFrontend', 'cancel', 'losePacket', 'losePacket', 'wait'] as const),
];

interface Step {
  readonly operation: (typeof operations)[number];
  readonly pick: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  operation: fc.constantFrom(...operations),
  pick: fc.nat({ max: 1000 }),
});

const act = { ...actions, deliverAll };

/** Two looks, after the time in which clients give up. */
const roundsToEnd = 4;

function pass(model: TunnelModel): void {
  deliverAll(model);
  for (let round = 0; round < roundsToEnd; round += 1) {
    model.clock.advance(roundMs);
    deliverAll(model);
  }
}

function checkTables(model: TunnelModel): void {
  for (const { machine, backend } of model.agents) {
    expect(new Set(machine.endpoints.keys())).toEqual(new Set(backend.connections.keys()));
    expect([...machine.endpoints.values()].filter(({ kind }) => kind !== 'open')).toEqual([]);
    expect([...backend.connections.values()].filter(({ kind }) => kind !== 'established')).toEqual([]);
  }
}

function run(steps: readonly Step[], seed: number): void {
  const model = new TunnelModel(seed, true);
  model.addAgent();
  for (const { operation, pick } of steps) act[operation](model, pick);
  model.toLose.clear();
  pass(model);
  checkTables(model);
  checkBothEnds(model);
  for (const call of model.calls) clientCloses(call);
  pass(model);
  const nothing = Object.fromEntries(Object.keys(model.leftovers()).map((key) => [key, 0]));
  expect(model.leftovers()).toEqual(nothing);
}

/** `FAST_CHECK_SEED=n` repeats a run; a failure prints its seed and path. */
const given = process.env['FAST_CHECK_SEED'];
const parameters = { numRuns: 1500, ...(given === undefined ? {} : { seed: Number(given) }) };

it('R32, R33: agent and server hold the same at last, whatever was lost, and no live connection is closed', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), fc.nat(), (steps, seed) =>
      run(steps, seed),
    ),
    parameters,
  );
});
