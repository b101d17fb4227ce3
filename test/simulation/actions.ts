import { recordBytes } from '../support/invariants.js';
import type { Call } from './call.js';
import { endpointKinds } from './endpoint.js';
import type { Link } from './network.js';
import { hitBy, type PacketFault } from './packet-faults.js';
import type { SimulationAction } from './schedule.js';
import type { World } from './world.js';

/** From a keystroke to more than a queue takes, bytes. */
const sizesBytes = [1, 16, 500, 500, 5000, 5000, 20_000].map((records) => records * recordBytes);
/** A little more than a window of flow control, so that the last chunk waits for credit, bytes. */
const bulkBytes = 137_500 * recordBytes;
/** So often a fault hits the next packet of each kind but the first. */
const burstEvery = 3;
/** How slow a link may get, ms. All time-outs are longer than the way there and back. */
const delaysMs = [5, 50, 400, 2000];

function chosen<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % Math.max(1, list.length)];
}

const callsThat = (world: World, outcome: Call['outcome']): readonly Call[] =>
  world.calls.filter((call) => call.outcome === outcome);

const withEndpoint = (world: World): readonly Call[] =>
  world.calls.filter(({ endpoint }) => endpoint?.kind === 'open');

/** An endpoint of some node. Most accept. */
function dial(world: World, how: 'grpc' | 'connect', pick: number): void {
  const kind = endpointKinds[Math.floor(pick / 10) % 8] ?? 'accepts';
  const node = chosen(world.agents, Math.floor(pick / 100))?.name;
  world.dial(how, chosen(world.servers, pick), `${kind}.${node}`);
}

function disturbLink(world: World, pick: number): Link | undefined {
  world.disturbed.network = true;
  return chosen(world.links, pick);
}

function disturbPackets(world: World, fault: PacketFault, pick: number): void {
  const kind = chosen(hitBy[fault], pick);
  if (kind === undefined) return;
  world.disturbed.packets = true;
  const burst = pick % burstEvery === 0;
  for (const hit of burst ? hitBy[fault].slice(1) : [kind]) world.packetFaults.add(fault, hit);
}

function stop(world: World, part: { stop(silent: boolean): void } | undefined, silent: boolean): void {
  world.disturbed.network = true;
  part?.stop(silent);
}

function slowLink(world: World, pick: number): void {
  world.disturbed.slow = true;
  chosen(world.links, pick)?.slow(chosen(delaysMs, Math.floor(pick / 10)) ?? 0);
}

/** A call that is under way. Others wait behind it at most. */
function loseClient(world: World, pick: number, silent: boolean): void {
  world.disturbed.slow = true;
  chosen([...callsThat(world, 'open'), ...callsThat(world, 'dialling')], pick)?.vanish(silent);
}

/** Some endpoints go on writing all the same, and some of them hang up then. */
function clientRests(world: World, pick: number): void {
  world.disturbed.slow = true;
  const call = chosen(callsThat(world, 'open'), pick);
  call?.rest(call.reader);
  if (pick % 3 > 0) call?.endpoint?.say(bulkBytes);
  if (pick % 3 > 1 && call?.endpoint?.kind === 'open') call.endpointHangsUp();
}

/** Some clients go on writing all the same, and some of them close then. */
function endpointRests(world: World, pick: number): void {
  world.disturbed.slow = true;
  const call = chosen(withEndpoint(world), pick);
  if (call?.endpoint === undefined) return;
  call.rest(call.endpoint);
  if (pick % 3 > 0) call.say(bulkBytes);
  if (pick % 3 > 1) call.close();
}

const sizeOf = (pick: number): number => sizesBytes[Math.floor(pick / 7) % sizesBytes.length] ?? recordBytes;

/** What each step of a schedule does. */
export const actions: Readonly<Record<SimulationAction, (world: World, pick: number) => void>> = {
  dial: (world, pick) => dial(world, 'grpc', pick),
  dialByConnect: (world, pick) => dial(world, 'connect', pick),
  clientWrites: (world, pick) => chosen(callsThat(world, 'open'), pick)?.say(sizeOf(pick)),
  endpointWrites: (world, pick) => chosen(withEndpoint(world), pick)?.endpoint?.say(sizeOf(pick)),
  clientCloses: (world, pick) => chosen(callsThat(world, 'open'), pick)?.close(),
  endpointEnds: (world, pick) => chosen(withEndpoint(world), pick)?.endpointHangsUp(),
  cancelDial: (world, pick) => chosen(callsThat(world, 'dialling'), pick)?.cancel(),
  clientRests,
  endpointRests,
  readersGoOn: (world) => world.readersGoOn(),
  clientVanishes: (world, pick) => loseClient(world, pick, false),
  clientGoesSilent: (world, pick) => loseClient(world, pick, true),
  slowLink,
  freezeLink: (world, pick) => disturbLink(world, pick)?.block(['up', 'down']),
  freezeOneWay: (world, pick) => disturbLink(world, pick)?.block([pick % 200 < 100 ? 'up' : 'down']),
  forgetFlows: (world, pick) => disturbLink(world, pick)?.forget(),
  resetFlows: (world, pick) => disturbLink(world, pick)?.reset(),
  healLink: (world, pick) => chosen(world.links, pick)?.heal(),
  losePacket: (world, pick) => disturbPackets(world, 'lose', pick),
  repeatPacket: (world, pick) => disturbPackets(world, 'repeat', pick),
  delayPacket: (world, pick) => disturbPackets(world, 'delay', pick),
  killServer: (world, pick) => stop(world, chosen(world.servers, pick), false),
  loseServer: (world, pick) => stop(world, chosen(world.servers, pick), true),
  killAgent: (world, pick) => stop(world, chosen(world.agents, pick), false),
  loseAgent: (world, pick) => stop(world, chosen(world.agents, pick), true),
  drainAgent: (world, pick) => chosen(world.agents, pick)?.drain(),
  startParts: (world) => world.startParts(),
};
