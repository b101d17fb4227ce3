import fc from 'fast-check';
import { expect } from 'vitest';
import { recordBytes } from './invariants.js';
import type { Call, TunnelModel } from './tunnel-model.js';

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

/** What may be lost without a byte of a connection. */
const losable = ['DIAL_REQ', 'DIAL_RSP', 'DIAL_CLS', 'CLOSE_REQ', 'CLOSE_RSP', 'HELD'] as const;

export interface Step {
  readonly operation: (typeof operations)[number];
  /** Which of the things that the operation could be done to. */
  readonly pick: number;
}

export const step: fc.Arbitrary<Step> = fc.record({
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
  call.machine.write(call.up.next(recordBytes));
}

function endpointWrites(call: Call | undefined): void {
  if (call?.endpoint === undefined || call.endpoint.agent.toServer.congested) return;
  call.endpoint.agent.machine.endpointData(call.endpoint.port.endpoint, call.down.next(recordBytes));
}

export function clientCloses(call: Call | undefined): void {
  if (call === undefined) return;
  call.closing = true;
  call.machine?.close();
}

export const actions: Record<Step['operation'] | 'losePacket', (model: TunnelModel, pick: number) => void> = {
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
  losePacket: (model, pick) => void model.toLose.add(losable[pick % losable.length] ?? 'HELD'),
  wait: (model, pick) => model.clock.advance([10, 1000, 6000, 21_000, 31_000][pick % 5] ?? 0),
};

export function deliverAll(model: TunnelModel): void {
  for (let left = model.deliverable(); left.length > 0; left = model.deliverable()) left[0]?.deliver();
}

/** With nothing under way, a connection is open at its client if and only if it is open at its endpoint. */
export function checkBothEnds(model: TunnelModel): void {
  for (const { outcome, endpoint } of model.calls) {
    expect(endpoint?.port.endpoint.kind === 'open').toBe(outcome === 'open');
  }
}
