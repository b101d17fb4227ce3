import type { AgentMachine } from '../../src/core/agent/machine.js';
import type { Backend } from '../../src/core/server/state.js';
import { expectNothing, expectThat } from '../support/invariants.js';
import type { MemoryAgent } from './agent.js';
import type { Call } from './call.js';
import type { MemoryServer } from './server.js';
import type { World } from './world.js';

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** At any time: servers count what is under way as their reports say. */
export function checkCounts({ servers, ledgers }: World): void {
  const levels = servers.map(({ machine }) => machine.levels());
  const pending = sum(levels.map(({ pendingDials }) => pendingDials));
  const established = sum(levels.map((level) => level.established));
  const { serverDials, serverConnections } = ledgers;
  expectThat(
    pending === serverDials.open.size && established === serverConnections.open.size,
    'one-end',
    () => {
      const told = `${serverDials.open.size} dials and ${serverConnections.open.size} connections were told`;
      return `servers count ${pending} dials and ${established} connections; ${told}`;
    },
  );
}

/** After the heal: agents and servers, clients and endpoints hold the same, and bytes wait only for readers that rest. */
export function checkBeliefs(world: World): void {
  for (const agent of world.agents) checkAgent(world, agent);
  for (const { name, backends } of world.servers) {
    expectThat(backends.size === world.agents.length, 'beliefs-agree', () => {
      return `${name} has ${backends.size} streams of ${world.agents.length} agents`;
    });
  }
  for (const [index, call] of world.calls.entries()) checkCall(index + 1, call);
}

function checkAgent({ servers }: World, { name, streams }: MemoryAgent): void {
  expectThat(streams.size === servers.length, 'beliefs-agree', () => {
    return `agent ${name} has ${streams.size} of ${servers.length} servers`;
  });
  for (const [serverId, { flow, machine }] of streams) {
    const backend = servers.find((server) => server.name === serverId)?.backends.get(flow);
    expectThat(backend !== undefined, 'beliefs-agree', () => `${serverId} does not know ${name}`);
    checkTables(`${name} and ${serverId}`, machine, backend);
  }
}

function checkTables(ends: string, { endpoints }: AgentMachine, backend: Backend): void {
  const atAgent = [...endpoints.values()].map(({ connectId, kind }) => `${connectId} ${kind}`);
  const atServer = [...backend.connections.values()]
    .filter(({ dial }) => dial.to === backend)
    .map(({ connectId, kind }) => `${connectId} ${kind === 'established' ? 'open' : kind}`);
  expectThat(atAgent.toSorted().join() === atServer.toSorted().join(), 'beliefs-agree', () => {
    return `${ends}: the agent holds ${atAgent.join(', ')}; the server holds ${atServer.join(', ')}`;
  });
  expectThat(backend.dials.size === 0, 'beliefs-agree', () => `${ends}: ${backend.dials.size} dials wait`);
}

function checkCall(id: number, { outcome, endpoint, reader, up, down, idle }: Call): void {
  const isOpen = endpoint?.kind === 'open';
  expectThat(outcome !== 'dialling' && isOpen === (outcome === 'open'), 'beliefs-agree', () => {
    return `connection ${id} is ${outcome} at its client, ${endpoint?.kind ?? 'unknown'} at its endpoint`;
  });
  if (!isOpen || reader.resting || endpoint?.resting === true) return;
  const flows = { up, down };
  for (const [name, { came, written }] of Object.entries(flows)) {
    expectThat(
      came === written,
      'complete',
      () => `connection ${id} ${name}: ${came} of ${written} bytes came`,
    );
  }
  expectThat(
    idle && endpoint?.idle === true,
    'complete',
    () => `connection ${id}: a writer waits though all was read`,
  );
}

const soonMs = 2000;
const fewBytes = 96;

/** After the heal: each server takes new calls, which carry bytes in both directions. */
export function checkWorks(world: World): void {
  const known = world.calls.length;
  for (const server of world.servers) {
    for (const { name } of world.agents) {
      world.dial('grpc', server, `accepts.${name}`);
      world.dial('connect', server, `accepts.${name}`);
    }
  }
  world.clock.advance(soonMs);
  const fresh = world.calls.slice(known);
  for (const call of fresh) {
    call.say(fewBytes);
    call.endpoint?.say(fewBytes);
  }
  world.clock.advance(soonMs);
  for (const { outcome, up, down } of fresh) {
    const works = outcome === 'open' && up.came === fewBytes && down.came === fewBytes;
    expectThat(
      works,
      'works-again',
      () => `a new call is ${outcome}, ${up.came} and ${down.came} bytes came`,
    );
  }
}

/** After all calls were closed: no table has anything left. */
export function checkClosed({ servers, agents, ledgers }: World): void {
  for (const server of servers) expectNothing(leftAt(server));
  const endpoints = sum(
    agents.flatMap(({ streams }) => [...streams.values()].map(({ machine }) => machine.endpoints.size)),
  );
  expectNothing({ endpoints, unfinished: ledgers.openCount });
}

function leftAt({ name, machine, backends }: MemoryServer): Record<string, number> {
  const { frontends, pendingDials, established } = machine.state();
  const all = [...backends.values()];
  return {
    [`frontends of ${name}`]: frontends,
    [`dials of ${name}`]: pendingDials + sum(all.map(({ dials }) => dials.size)),
    [`connections of ${name}`]: established + sum(all.map(({ connections }) => connections.size)),
  };
}

/** After all parts were stopped: no stream is open, and no timer waits. */
export function checkStopped({ open, clock }: World): void {
  expectNothing({ 'open ends of streams': open.count, timers: clock.pendingTimers });
}
