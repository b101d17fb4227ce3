import type { AgentBelief } from '../agent/agent.js';
import { splitHostPort } from '../core/address.js';
import type { LabEvent } from '../core/events.js';
import type { ServerBelief } from '../core/server/connection-view.js';
import type { Edge } from '../links/edge.js';
import type { TunnelBelief } from '../wire/client/tunnel-client.js';
import type { LabInsides } from './lab-insides.js';

/** What one end believes. `gone`: it does not hold the connection. `unknown`: that end is no part of the lab. */
export type Belief = 'dialing' | 'open' | 'closing' | 'gone' | 'unknown';

/** The ends of a connection through the tunnel. */
export type ConnectionEnd = 'frontend' | 'server' | 'agent';

/** One connection through the tunnel, or one dial, as each of its ends believes it at one moment. */
export interface ConnectionView {
  /** The user request that dialled it. Absent when no request did. */
  readonly request?: string;
  /** The dialled endpoint: `host:port`. */
  readonly address: string;
  /** The client or API server that dialled: `client/lab`. Absent for one that is no part of the lab. */
  readonly frontend?: string;
  /** The server that it goes through: `server/server-1`. */
  readonly server: string;
  /** The agent that the server chose: `agent/node-1`. Absent while no part names one. */
  readonly agent?: string;
  /** The dial, as decimal text. */
  readonly dialId: string;
  /** The connection on the agent's stream, as decimal text. Absent while it is dialled. */
  readonly connectId?: string;
  /** What the frontend believes. */
  readonly atFrontend: Belief;
  /** What the proxy-server believes: its table of dials and connections. */
  readonly atServer: Belief;
  /** What the agent believes: its socket to the endpoint. */
  readonly atAgent: Belief;
  /** Payload bytes to the endpoint, as the server has passed them on, else as the agent has. */
  readonly toEndpointBytes?: number;
  /** The same from the endpoint. */
  readonly fromEndpointBytes?: number;
  /**
   * True when one end holds it, open or dialling, and another does not hold it at all. While a packet is on its way that
   * is so for a moment; a zombie stays.
   */
  readonly zombie: boolean;
  /** The ends that hold it, open or dialling. Of a zombie, these hold it alone. */
  readonly heldBy: readonly ConnectionEnd[];
}

/** What all ends hold, by dial. */
interface Holders {
  frontend?: TunnelBelief & { readonly name: string };
  server?: ServerBelief & { readonly name: string };
  agent?: AgentBelief & { readonly name: string };
}

/** All dials and connections that any end holds, in the order of the ends' tables. */
export function connectionsOf(insides: LabInsides): readonly ConnectionView[] {
  const { parts, clients, journal } = insides;
  const dials = new Map<string, Holders>();
  const of = (dialId: string): Holders => {
    const holders = dials.get(dialId) ?? {};
    dials.set(dialId, holders);
    return holders;
  };
  const frontends = [['client/lab', clients.lab.beliefs()] as const, ...parts.apiservers.beliefs()];
  for (const [name, beliefs] of frontends)
    for (const belief of beliefs) of(belief.dialId).frontend = { ...belief, name };
  for (const [name, beliefs] of parts.servers.beliefs())
    for (const belief of beliefs) of(belief.dialId).server = { ...belief, name };
  for (const part of parts.agents)
    for (const belief of part.running ? part.value.beliefs() : [])
      of(belief.dialId).agent = { ...belief, name: part.name };
  const known = dialledBy(journal.events(), dials);
  return [...dials].map(([dialId, holders]) => viewOf(dialId, holders, known.get(dialId)));
}

/** The connect IDs of the connections that pass a link now, as the end that is nearest to it knows them. */
export function connectionsOn(
  { parts, clients, context }: Pick<LabInsides, 'parts' | 'clients' | 'context'>,
  { from, to }: Edge,
): readonly string[] {
  const agent = parts.agents.find(({ name }) => name === from);
  if (to.startsWith('server/')) {
    const [, atServer = []] = parts.servers.beliefs().find(([name]) => name === to) ?? [];
    if (agent !== undefined) return idsOf(atServer.filter((belief) => belief.agent === from));
    const frontends = [['client/lab', clients.lab.beliefs()] as const, ...parts.apiservers.beliefs()];
    const [, atFrontend = []] = frontends.find(([name]) => name === from) ?? [];
    return idsOf(atFrontend.filter(({ server }) => server === to));
  }
  if (agent?.running !== true) return [];
  const isThere = ({ address }: AgentBelief): boolean => {
    const place = splitHostPort(address);
    return place !== undefined && context.nameOf(place) === to;
  };
  return idsOf(agent.value.beliefs().filter(isThere));
}

function idsOf(beliefs: readonly { readonly connectId?: string }[]): readonly string[] {
  return beliefs.flatMap(({ connectId }) => connectId ?? []);
}

interface Dialled {
  readonly frontend: string;
  readonly request: string | undefined;
}

/** Who dialled, where the frontend itself has forgotten it: the journal says it. */
function dialledBy(
  events: readonly LabEvent[],
  dials: ReadonlyMap<string, Holders>,
): ReadonlyMap<string, Dialled> {
  const found = new Map<string, Dialled>();
  for (const { kind, node, dialId = '', request } of events) {
    if (kind !== 'dial.started' || node.startsWith('server/') || !dials.has(dialId)) continue;
    found.set(dialId, { frontend: node, request });
  }
  return found;
}

function viewOf(
  dialId: string,
  { frontend, server, agent }: Holders,
  dialled: Dialled | undefined,
): ConnectionView {
  const dialler = frontend?.name ?? dialled?.frontend;
  const request = frontend?.request ?? dialled?.request;
  const chosen = server?.agent ?? agent?.name;
  const connectId = server?.connectId ?? agent?.connectId ?? frontend?.connectId;
  const toEndpointBytes = server?.toAgentBytes ?? agent?.toEndpointBytes;
  const fromEndpointBytes = server?.fromAgentBytes ?? agent?.fromEndpointBytes;
  const beliefs = {
    frontend: frontend?.state ?? (dialler === undefined ? 'unknown' : 'gone'),
    server: server?.state ?? 'gone',
    agent: agent?.state ?? 'gone',
  } as const satisfies Record<ConnectionEnd, Belief>;
  const ends = ['frontend', 'server', 'agent'] as const;
  const heldBy = ends.filter((end) => beliefs[end] === 'open' || beliefs[end] === 'dialing');
  return {
    ...(request === undefined ? {} : { request }),
    address: server?.address ?? agent?.address ?? frontend?.address ?? '',
    ...(dialler === undefined ? {} : { frontend: dialler }),
    server: server?.name ?? frontend?.server ?? agent?.server ?? '',
    ...(chosen === undefined ? {} : { agent: chosen }),
    dialId,
    ...(connectId === undefined ? {} : { connectId }),
    atFrontend: beliefs.frontend,
    atServer: beliefs.server,
    atAgent: beliefs.agent,
    ...(toEndpointBytes === undefined ? {} : { toEndpointBytes }),
    ...(fromEndpointBytes === undefined ? {} : { fromEndpointBytes }),
    zombie: heldBy.length > 0 && ends.some((end) => beliefs[end] === 'gone'),
    heldBy,
  };
}
