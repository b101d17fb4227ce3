import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, TunnelModel } from '../support/tunnel-model.js';

const operations = [
  ...['deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'deliver'],
  ...[
    'dial',
    'accept',
    'accept',
    'refuse',
    'clientWrites',
    'endpointWrites',
    'clientWrites',
    'endpointWrites',
  ],
  ...[
    'clientCloses',
    'cancel',
    'endpointEnds',
    'readerStops',
    'readerReads',
    'endpointStops',
    'endpointReads',
  ],
  ...['loseFrontend', 'loseAgent', 'addAgent', 'drain', 'wait'],
] as const;

interface Step {
  readonly operation: (typeof operations)[number];
  /** Which of the things that the operation could be done to. */
  readonly pick: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  operation: fc.constantFrom(...operations),
  pick: fc.nat({ max: 1000 }),
});

function pickOf<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % Math.max(1, list.length)];
}

const withOutcome = (model: TunnelModel, outcome: Call['outcome'], pick: number): Call | undefined =>
  pickOf(
    model.calls.filter((call) => call.outcome === outcome),
    pick,
  );

function dialling(model: TunnelModel, pick: number): Call | undefined {
  return pickOf(
    model.calls.filter(({ endpoint }) => endpoint?.port.endpoint.kind === 'dialing'),
    pick,
  );
}

function openEndpoint(model: TunnelModel, pick: number): Call | undefined {
  return pickOf(
    model.calls.filter(({ endpoint }) => endpoint?.port.endpoint.kind === 'open'),
    pick,
  );
}

function accept(call: Call | undefined): void {
  call?.endpoint?.agent.machine.dialSucceeded(call.endpoint.port.endpoint);
}

function endpointEnds(call: Call | undefined): void {
  if (call?.endpoint === undefined) return;
  call.endpointEnded = true;
  call.endpoint.agent.machine.endpointEnded(call.endpoint.port.endpoint);
}

/** Writes as drivers do: only while what takes the bytes is not full. */
function clientWrites(call: Call | undefined): void {
  if (call?.machine === undefined || call.outcome !== 'open' || call.closing) return;
  call.machine.write(call.up.next());
}

function endpointWrites(call: Call | undefined): void {
  if (call?.endpoint === undefined || call.endpoint.agent.toServer.congested) return;
  call.endpoint.agent.machine.endpointData(call.endpoint.port.endpoint, call.down.next());
}

function clientCloses(call: Call | undefined): void {
  if (call === undefined) return;
  call.closing = true;
  call.machine?.close();
}

const actions: Record<Step['operation'], (model: TunnelModel, pick: number) => void> = {
  deliver: (model, pick) => pickOf(model.deliverable(), pick)?.deliver(),
  dial: (model) => model.dial(),
  accept: (model, pick) => accept(dialling(model, pick)),
  refuse(model, pick) {
    const call = dialling(model, pick);
    call?.endpoint?.agent.machine.dialFailed(call.endpoint.port.endpoint, 'refused');
  },
  clientWrites: (model, pick) => clientWrites(withOutcome(model, 'open', pick)),
  endpointWrites: (model, pick) => endpointWrites(openEndpoint(model, pick)),
  clientCloses: (model, pick) => clientCloses(withOutcome(model, 'open', pick)),
  cancel: (model, pick) => withOutcome(model, 'dialling', pick)?.machine?.cancel(),
  endpointEnds: (model, pick) => endpointEnds(openEndpoint(model, pick)),
  readerStops(model, pick) {
    const call = withOutcome(model, 'open', pick);
    if (call !== undefined) call.reader.congested = true;
  },
  readerReads: (model, pick) => pickOf(model.calls, pick)?.reader.open(),
  endpointStops(model, pick) {
    const port = openEndpoint(model, pick)?.endpoint?.port;
    if (port !== undefined) port.congested = true;
  },
  endpointReads: (model, pick) => pickOf(model.calls, pick)?.endpoint?.port.open(),
  loseFrontend: (model, pick) => pickOf(model.calls, pick)?.lose(),
  loseAgent: (model, pick) =>
    pickOf(
      model.agents.filter(({ alive }) => alive),
      pick,
    )?.toServer.cancel(),
  addAgent: (model) => model.addAgent(),
  drain: (model, pick) => pickOf(model.agents, pick)?.machine.drain(),
  wait: (model, pick) => model.clock.advance([10, 1000, 6000, 21_000, 31_000][pick % 5] ?? 0),
};

function deliverAll(model: TunnelModel): void {
  for (let left = model.deliverable(); left.length > 0; left = model.deliverable()) left[0]?.deliver();
}

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

/** With nothing under way, a connection is open at its client if and only if it is open at its endpoint. */
function checkBothEnds(model: TunnelModel): void {
  for (const { outcome, endpoint } of model.calls) {
    expect(endpoint?.port.endpoint.kind === 'open').toBe(outcome === 'open');
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
