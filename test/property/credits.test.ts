import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Credits } from '../../src/core/credits.js';
import { windowBytes } from '../../src/core/receive-window.js';
import { type Connection, CreditModel, type Flow, largestWrite } from '../support/credit-model.js';

const grpcClients = 2;

const step = fc.record({
  operation: fc.constantFrom(
    ...(['deliver', 'deliver', 'deliver', 'clientWrites', 'clientWrites', 'endpointWrites'] as const),
    ...(['endpointWrites', 'readerTakes', 'endpointTakes', 'clientCloses', 'endpointEnds'] as const),
  ),
  pick: fc.nat({ max: 1000 }),
  bytes: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: largestWrite })),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const mayWrite = ({ full }: Flow): boolean => full?.congested !== true;

function readerTakes({ client, down }: Connection, bytes: number): void {
  const some = Math.min(bytes, down.came - down.taken);
  down.taken += some;
  client.took(some);
}

const actions: Record<Step['operation'], (model: CreditModel, one: Connection, step: Step) => void> = {
  deliver(model, _one, { pick, bytes }) {
    for (let times = bytes % 30; times >= 0; times -= 1) {
      const streams = model.deliverable();
      streams[pick % Math.max(1, streams.length)]?.deliver();
    }
  },
  clientWrites(_model, { client, up, over, closedBy }, { bytes }) {
    if (!over && closedBy === undefined && mayWrite(up)) up.full = client.write(up.next(bytes));
  },
  endpointWrites(model, one, { bytes }) {
    if (one.closedBy === undefined && mayWrite(one.down)) model.endpointWrites(one, bytes);
  },
  readerTakes: (_model, one, { bytes }) => readerTakes(one, bytes),
  endpointTakes: (model, one, { bytes }) =>
    model.endpointTakes(one, Math.min(bytes, one.up.came - one.up.taken)),
  // As a stream does: an end comes only after all writes were taken.
  clientCloses(_model, one, { pick }) {
    if (pick % 8 > 0 || one.closedBy !== undefined || !mayWrite(one.up)) return;
    one.closedBy = 'client';
    one.client.close();
  },
  endpointEnds({ agent }, one, { pick }) {
    if (pick % 8 > 0 || one.closedBy !== undefined || one.endpoint === undefined) return;
    one.closedBy = 'endpoint';
    agent.endpointEnded(one.endpoint);
  },
};

/** Everybody takes all, until nothing moves. */
function drain(model: CreditModel): void {
  const sum = (): number => model.connections.reduce((total, { up, down }) => total + up.came + down.came, 0);
  for (let before = -1; before < sum(); ) {
    before = sum();
    model.deliverAll();
    for (const one of model.connections) {
      readerTakes(one, Number.MAX_SAFE_INTEGER);
      model.endpointTakes(one, one.up.came - one.up.taken);
    }
    model.deliverAll();
  }
}

/** Less than a quarter of the window waits for its credit, so that half goes out at once. Then credit comes for all. */
function expectCredit(model: CreditModel, one: Connection): void {
  const half = windowBytes / 2;
  for (let left = half; left > 0; left -= largestWrite) {
    const bytes = Math.min(left, largestWrite);
    expect(one.client.write(one.up.next(bytes))).not.toBeInstanceOf(Credits);
    model.endpointWrites(one, bytes);
    expect(one.down.full).not.toBeInstanceOf(Credits);
  }
}

function run(steps: readonly Step[]): void {
  const model = new CreditModel(grpcClients);
  for (const each of steps) {
    const one = model.connections[each.pick % model.connections.length];
    if (one !== undefined) actions[each.operation](model, one, each);
  }
  drain(model);
  for (const one of model.connections) {
    const { up, down, closedBy, over } = one;
    expect(over).toBe(closedBy !== undefined);
    if (closedBy !== 'endpoint') expect(up.came).toBe(up.written);
    if (closedBy !== 'client') expect(down.came).toBe(down.written);
    if (closedBy === undefined) expectCredit(model, one);
  }
  drain(model);
  for (const { up, down, closedBy } of model.connections) {
    if (closedBy !== undefined) continue;
    expect([up.came, down.came]).toEqual([up.written, down.written]);
    expect([up.uncredited, down.uncredited]).toEqual([0, 0]);
  }
}

/** `FAST_CHECK_SEED=n` repeats a run; a failure prints its seed and path. */
const given = process.env['FAST_CHECK_SEED'];
const parameters = { numRuns: 300, ...(given === undefined ? {} : { seed: Number(given) }) };

it('R28, R29: nothing is lost, no more than a window is under way, and no credit goes astray', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 200 }), (steps) => run(steps)),
    parameters,
  );
});
