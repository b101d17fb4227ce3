import type { FaultDocument } from '../../links/fault-document.js';

/** What the events say of a part. */
export interface PartState {
  readonly id: string;
  readonly state: 'running' | 'stopped' | 'killed';
  /** Lab time of the last change, ms. */
  readonly since: number;
  readonly address?: string;
  /** The kubelet of a container. */
  readonly parent?: string;
  readonly keepaliveMs?: number;
  /** How many servers a server announces. */
  readonly count?: number;
  readonly strategies?: string;
}

/** What one end believes of a connection between agent and server. */
export interface Belief {
  readonly is: 'connecting' | 'open' | 'gone' | 'draining';
  /** Lab time since which it believes so, ms. */
  readonly since: number;
  readonly error?: string;
}

/** The connection that an agent opened to a server, as both ends and the network between see it. */
export interface Tunnel {
  readonly agent: string;
  readonly server: string;
  readonly atAgent?: Belief;
  readonly atServer?: Belief;
  /** What the agent claims: `ipv4=10.0.1.11&host=node-1`. */
  readonly claims?: string;
  /** The flow of a device in between. */
  readonly flow?: string;
  /** When a packet or a ping passed last, lab ms. */
  readonly lastBytes: number;
  /** How the network between ended the flow. */
  readonly cut?: { readonly at: number; readonly verdict: string; readonly lost: number };
}

/** A dial or connection through the tunnel, as its three ends see it. */
export interface Dial {
  readonly dialId: string;
  readonly connectId?: string;
  readonly request?: string;
  readonly frontend?: string;
  readonly server?: string;
  readonly agent?: string;
  readonly address: string;
  readonly since: number;
  readonly atFrontend: DialBelief;
  readonly atServer: DialBelief;
  readonly atAgent: DialBelief;
  /** Why the server chose the agent. */
  readonly because?: string;
}

export type DialBelief = 'none' | 'dialing' | 'open' | 'gone';

export interface FaultState {
  readonly id: string;
  readonly action: string;
  readonly document?: FaultDocument;
  readonly since: number;
  readonly healedAt?: number;
  readonly hits: number;
  /** The `seq` of its last hit. */
  readonly lastHit?: number;
  readonly hitText?: string;
}

/** Everything that the map shows, at one event of the journal. Never changed in place, so that earlier states are kept. */
export interface State {
  readonly seq: number;
  readonly t: number;
  readonly seed?: string;
  readonly stopped: boolean;
  readonly parts: ReadonlyMap<string, PartState>;
  readonly tunnels: ReadonlyMap<string, Tunnel>;
  readonly dials: ReadonlyMap<string, Dial>;
  readonly faults: ReadonlyMap<string, FaultState>;
  /** Addresses of nodes, from what their agents claim. */
  readonly ips: ReadonlyMap<string, string>;
}

export const emptyState: State = {
  seq: 0,
  t: 0,
  stopped: false,
  parts: new Map(),
  tunnels: new Map(),
  dials: new Map(),
  faults: new Map(),
  ips: new Map(),
};

/** `agent/node-1` → `node-1`. */
export const nameOf = (id: string): string => id.slice(id.indexOf('/') + 1);

/** `agent/node-1` → `agent`. */
export const roleOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf('/')));

/** True when an end still believes in a connection that the other end, the network or the process behind it has lost. */
export function isZombie(tunnel: Tunnel, state: State): boolean {
  const { atAgent, atServer, cut } = tunnel;
  const [agentOpen, serverOpen] = [isOpen(atAgent), isOpen(atServer)];
  if (!agentOpen && !serverOpen) return false;
  if (cut !== undefined) return true;
  if (agentOpen && serverOpen) return state.parts.get(tunnel.agent)?.state === 'killed';
  // One end hears of a connection a moment before the other does.
  return serverOpen ? atAgent?.is === 'gone' : atServer?.is === 'gone';
}

export const isOpen = (belief: Belief | undefined): boolean =>
  belief?.is === 'open' || belief?.is === 'draining';
