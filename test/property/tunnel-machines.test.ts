import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, TunnelModel } from '../support/tunnel-model.js';
import {
  actions,
  checkBothEnds,
  clientCloses,
  deliverAll,
  type Step,
  step,
} from '../support/tunnel-steps.js';

/** Everybody reads again, clients end what they have, and time passes. No agent has to go for it. */
function settle(model: TunnelModel): void {
  for (const call of model.calls) {
    call.reader.open();
    call.endpoint?.port.open();
  }
  deliverAll(model);
  checkBothEnds(model);
  for (const call of model.calls) clientCloses(call);
  deliverAll(model);
  for (let round = 0; round < 8; round += 1) {
    model.clock.advance(10_000);
    deliverAll(model);
  }
}

/** A connection that the client closed in good order gave its endpoint all it wrote, unless that ended by itself. */
function checkUpward(call: Call, undisturbed: boolean): void {
  const closedInOrder = call.outcome === 'closed' && call.closing && !call.endpointEnded;
  if (undisturbed && closedInOrder) expect(call.up.complete).toBe(true);
}

function run(steps: readonly Step[], seed: number): void {
  const model = new TunnelModel(seed);
  model.addAgent();
  for (const { operation, pick } of steps) {
    actions[operation](model, pick);
    const { pendingDials, established } = model.server.state();
    expect(pendingDials).toBe(model.serverDials.open.size);
    expect(established).toBe(model.serverConnections.open.size);
    // R11: whatever waited for an agent is ended with it, not later.
    for (const { backend, seenLost } of model.agents) {
      if (seenLost) expect([backend.dials.size, backend.connections.size]).toEqual([0, 0]);
    }
  }
  settle(model);
  const nothing = Object.fromEntries(Object.keys(model.leftovers()).map((key) => [key, 0]));
  expect(model.leftovers()).toEqual(nothing);
  const disturbing = new Set<string>(['loseFrontend', 'loseAgent', 'wait']);
  const undisturbed = !steps.some(({ operation }) => disturbing.has(operation));
  for (const call of model.calls) checkUpward(call, undisturbed);
}

/** `FAST_CHECK_SEED=n` repeats a run; a failure prints its seed and path. */
const given = process.env['FAST_CHECK_SEED'];
const parameters = { numRuns: 1500, ...(given === undefined ? {} : { seed: Number(given) }) };

describe('client, server and agent machines together', () => {
  it('R12, R14: keep every byte in its connection and order, end every dial once and leave nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), fc.nat(), (steps, seed) =>
        run(steps, seed),
      ),
      parameters,
    );
  });

  it('R22: deliver all to both ends when nobody is lost', () => {
    const calm = new Set<string>(['loseFrontend', 'loseAgent', 'wait', 'cancel', 'drain']);
    const calmStep = step.filter(({ operation }) => !calm.has(operation));
    fc.assert(
      fc.property(fc.array(calmStep, { minLength: 50, maxLength: 300 }), fc.nat(), (steps, seed) =>
        run(steps, seed),
      ),
      { ...parameters, numRuns: 500 },
    );
  });
});
