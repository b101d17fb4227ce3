import { destinationHost } from '../../core/address.js';
import type { LabEvent, LifecycleEvent } from '../../core/events.js';
import { because, between, type Case, proof, timeText } from './case.js';
import type { CauseName } from './cause.js';
import { mayServe } from './claims.js';
import type { DialEvent } from './dials.js';
import { type AgentAt, type Attempt, type PartsAt, partsAt, type ServerAt } from './parts-at.js';

/** The moment in which a server had no agent for a dial. */
export interface Scene {
  /** The server's `dial.failed`. */
  readonly failed: DialEvent;
  readonly parts: PartsAt;
  readonly server: ServerAt;
  readonly host: string;
  /** The server's refusals of peers until then. */
  readonly refusals: readonly Refusal[];
  /** The connections of agents that the server has seen until then. */
  readonly visits: readonly LabEvent[];
  /** The first connection of each agent to the server after that. */
  readonly came: ReadonlyMap<string, LabEvent>;
}

type Refusal = LabEvent & LifecycleEvent;

/** Why one agent, which could have served the dial, was not connected to the server. */
export interface Absence {
  readonly cause: CauseName;
  readonly why: string;
  readonly evidence: readonly LabEvent[];
}

/** An agent that meets the same server this often instead of a missing one is sent there by a balancer. */
const enoughDuplicates = 3;

/** Undefined when the failure is another one, or the journal does not have the server's word for it. */
export function sceneOf(facts: Case): Scene | undefined {
  const failed = facts.dials.findLast(({ server }) => server?.failed?.code === 'NO_AGENT')?.server?.failed;
  if (failed === undefined) return undefined;
  const parts = partsAt(facts.all, failed.seq);
  const server = parts.server(failed.node);
  const refusals: Refusal[] = [];
  const visits: LabEvent[] = [];
  const came = new Map<string, LabEvent>();
  for (const event of facts.all) {
    if (event.node !== failed.node) continue;
    const { peer = '', seq } = event;
    if (event.kind === 'peer.refused' && seq < failed.seq) refusals.push(event);
    if (event.kind !== 'backend.connected') continue;
    if (seq < failed.seq) visits.push(event);
    else if (!came.has(peer)) came.set(peer, event);
  }
  return { failed, parts, server, host: destinationHost(failed.address ?? ''), refusals, visits, came };
}

/** The agents without a connection that could have served the dial, each with the reason if the journal proves one. */
export function absencesIn(scene: Scene): readonly Absence[] {
  const { parts, server, host } = scene;
  const missing = [...parts.agents.values()].filter(
    ({ name, claims }) =>
      !server.backends.has(name) && mayServe(server.started?.strategies, claims, host) !== false,
  );
  return missing.flatMap((agent) => absenceOf(scene, agent) ?? []);
}

function absenceOf(scene: Scene, agent: AgentAt): Absence | undefined {
  const { server, failed } = scene;
  const left = server.left.get(agent.name);
  if (agent.ended !== undefined) {
    const how = agent.ended.kind === 'role.killed' ? 'was killed' : 'was stopped';
    const why = `${agent.name} ${how} ${between(agent.ended, failed)} earlier.`;
    return { cause: 'agent-dead', why, evidence: proof(agent.ended, left) };
  }
  if (!agent.reports) return left && leftFor(agent, left, failed);
  const proven =
    refusedToken(scene, agent, left) ?? otherId(scene, agent, left) ?? absenceOfLiving(scene, agent);
  if (proven !== undefined) return proven;
  const isLater = left !== undefined && left.seq > (server.started?.seq ?? 0);
  return isLater ? leftFor(agent, left, failed) : justStarted(scene, agent, left);
}

function leftFor({ name }: AgentAt, left: LabEvent & { error?: string }, failed: LabEvent): Absence {
  const why = `The stream of ${name} ended ${between(left, failed)} earlier${because(left)}.`;
  return { cause: 'agent-left', why, evidence: proof(left) };
}

function refusedToken(
  { refusals, server, failed }: Scene,
  { name }: AgentAt,
  left: LabEvent | undefined,
): Absence | undefined {
  const refused = refusals.findLast(({ peer, seq }) => peer === name && seq > (left?.seq ?? 0));
  if (refused === undefined) return undefined;
  const why = `${server.name} refused the token of ${name} ${between(refused, failed)} earlier${because(refused)}.`;
  return { cause: 'agent-token', why, evidence: proof(refused) };
}

/** The agent has connected, and the server knows it by another name. */
function otherId(
  { server }: Scene,
  { name, links }: AgentAt,
  left: LabEvent | undefined,
): Absence | undefined {
  const here = links.get(server.name);
  if (here === undefined || here.seq < (left?.seq ?? 0)) return undefined;
  const known = [...server.backends].map(([peer, event]) => `${peer} (${event.identifiers ?? ''})`);
  const why = `${name} is connected to ${server.name}, which knows no agent of that ID, but ${known.join(', ')}.`;
  return { cause: 'other-agent-id', why, evidence: proof(left, ...server.backends.values(), here) };
}

/** The agent has come to the server, and left it for one that it took for the same. */
function sameServerId(
  { server, visits }: Scene,
  name: string,
  tries: readonly Attempt[],
): Absence | undefined {
  for (const { begun, retry } of tries.toReversed()) {
    if (retry?.peer === undefined || retry.peer === server.name) continue;
    const { seq: end, peer } = retry;
    const visit = visits.find((each) => each.peer === name && each.seq > begun.seq && each.seq < end);
    if (visit === undefined) continue;
    const why = `${name} came to ${server.name}, which announced itself as ${peer}. It is connected to ${peer}, and left.`;
    return { cause: 'same-server-id', why, evidence: proof(server.started, visit, retry) };
  }
  return undefined;
}

/** What an agent that runs does instead: it is content elsewhere, or its attempts fail. */
function absenceOfLiving(scene: Scene, agent: AgentAt): Absence | undefined {
  const { server } = scene;
  const { name, lastConnected } = agent;
  const elsewhere = [...agent.links.keys()].filter((link) => link !== server.name);
  const wanted = lastConnected?.count;
  const since = server.started?.seq ?? 0;
  const tries = agent.attempts.filter(({ begun, retry }) => begun.seq > since && retry !== undefined);
  if (elsewhere.length > 0 && wanted !== undefined && elsewhere.length >= wanted) {
    const looks = `${name} looks for ${wanted} ${wanted === 1 ? 'server' : 'servers'}`;
    const why = `${looks} and is connected to ${elsewhere.join(', ')}: it does not look for ${server.name}.`;
    return { cause: 'wrong-count', why, evidence: proof(server.started, ...agent.links.values()) };
  }
  const last = tries.at(-1);
  if (last?.retry?.code !== undefined) return failedAttempt(scene, agent, last);
  const twin = sameServerId(scene, name, tries);
  if (twin !== undefined) return twin;
  if (elsewhere.length === 0 || tries.length < enoughDuplicates) return undefined;
  const met = [...new Set(tries.map(({ retry }) => retry?.peer))].join(', ');
  const why = `${name} looks for ${wanted ?? 'more'} servers. Its last ${tries.length} connections all came to ${met}, none to ${server.name}.`;
  const shown = tries.slice(-enoughDuplicates).map(({ retry }) => retry);
  return { cause: 'balancer', why, evidence: proof(server.started, ...shown) };
}

function failedAttempt(scene: Scene, { name }: AgentAt, { begun, retry }: Attempt): Absence {
  const { failed, refusals } = scene;
  const said = `${because(retry)} (${between(retry ?? begun, failed)} earlier).`;
  const evidence = [begun, retry];
  if (retry?.step === 'lookup') {
    const why = `${name} cannot resolve the name of its servers, ${retry.address}${said}`;
    return { cause: 'name-resolution', why, evidence: proof(...evidence) };
  }
  if (retry?.code === 'CERT_INVALID') {
    const why = `${name} cannot use its own certificate, key or CA${said}`;
    return { cause: 'agent-certificate', why, evidence: proof(...evidence) };
  }
  if (retry?.code !== 'TLS_REJECTED') {
    const why = `${name} cannot connect to ${retry?.address ?? 'its servers'}${said}`;
    return { cause: 'agent-cannot-connect', why, evidence: proof(...evidence) };
  }
  const refused = refusals.findLast(({ seq }) => seq > begun.seq);
  const why = `${name} reaches ${retry.address ?? 'its server'}, and the TLS handshake fails${said}`;
  return { cause: 'agent-certificate', why, evidence: proof(...evidence, refused) };
}

/** The agent has not tried since the server's start, or its first try is under way. */
function justStarted(scene: Scene, agent: AgentAt, left: LabEvent | undefined): Absence | undefined {
  const { server, failed } = scene;
  const { started } = server;
  if (started === undefined) return undefined;
  const last = agent.attempts.at(-1);
  const next = nextTry(last, failed);
  if (next === undefined) return undefined;
  const came = scene.came.get(agent.name);
  const start = `${server.name} ${server.restarted ? 'started again' : 'started'} ${between(started, failed)} earlier`;
  const then =
    came === undefined ? '' : ` It was connected ${timeText(came.t - failed.t)} after the failure.`;
  const why = `${start}, and ${agent.name} ${next}.${then}`;
  return {
    cause: 'server-just-started',
    why,
    evidence: proof(left, last?.retry ?? last?.begun, started, came),
  };
}

/** What the agent does at that moment; undefined when its next try is overdue. */
function nextTry(last: Attempt | undefined, failed: LabEvent): string | undefined {
  if (last === undefined || last.succeeded) return 'had not tried to connect yet';
  if (last.retry === undefined) return 'was connecting';
  const leftMs = last.retry.t + (last.retry.delayMs ?? 0) - failed.t;
  return leftMs < 0 ? undefined : `tried again only ${timeText(leftMs)} later`;
}
