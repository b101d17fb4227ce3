import type { FlowEvent, LabEvent } from '../../core/events.js';
import { type Belief, isOpen, nameOf, roleOf, type State, type Tunnel } from './state.js';

/** What both ends and the network between believe of the connections of agents to servers. */
export function reduceTunnel(state: State, event: LabEvent): State {
  switch (event.kind) {
    case 'agent.connected':
      return change(state, event.node, event.peer, { atAgent: { is: 'open', since: event.t } });
    case 'agent.disconnected':
    case 'agent.draining':
      return change(state, event.node, event.peer, { atAgent: ended(event) });
    case 'backend.connected':
      return withClaims(connected(state, event), event.node, event.peer, event.identifiers);
    case 'backend.disconnected':
    case 'backend.draining':
      return change(state, event.peer, event.node, { atServer: ended(event) });
    case 'role.stopped':
    case 'role.killed':
      return partGone(state, event);
    case 'flow.opened':
    case 'flow.forgotten':
    case 'flow.lost':
    case 'flow.closed':
      return flowChanged(state, event);
    case 'packet':
    case 'ping.sent':
    case 'ping.answered':
      return bytesPassed(state, event);
    default:
      return state;
  }
}

export const tunnelKey = (agent: string, server: string): string => `${agent} ${server}`;

function ended(event: LabEvent & { error?: string }): Belief {
  const is = event.kind.endsWith('.draining') ? 'draining' : 'gone';
  return { is, since: event.t, ...(event.error === undefined ? {} : { error: event.error }) };
}

/** A new connection begins without the cut of the earlier one. */
function connected(state: State, { peer: agent = '', node: server, t }: LabEvent): State {
  const key = tunnelKey(agent, server);
  const { atAgent, flow } = state.tunnels.get(key) ?? {};
  const isStale = atAgent !== undefined && !(atAgent.is === 'open' && t - atAgent.since < 1000);
  const tunnel: Tunnel = {
    agent,
    server,
    lastBytes: t,
    ...(flow === undefined ? {} : { flow }),
    atServer: { is: 'open', since: t },
    ...(atAgent === undefined || isStale ? { atAgent: { is: 'connecting', since: t } } : { atAgent }),
  };
  return { ...state, tunnels: new Map(state.tunnels).set(key, tunnel) };
}

function change(
  state: State,
  agent: string | undefined,
  server: string | undefined,
  by: Partial<Tunnel>,
): State {
  if (agent === undefined || server === undefined || roleOf(agent) !== 'agent') return state;
  const key = tunnelKey(agent, server);
  const earlier = state.tunnels.get(key) ?? { agent, server, lastBytes: state.t };
  return { ...state, tunnels: new Map(state.tunnels).set(key, { ...earlier, ...by }) };
}

function withClaims(state: State, server: string, agent = '', claims = ''): State {
  const ip = new URLSearchParams(claims).get('ipv4');
  const changed = change(state, agent, server, { claims });
  return ip === null ? changed : { ...changed, ips: new Map(state.ips).set(nameOf(agent), ip) };
}

/** A part that is gone believes nothing any more. */
function partGone(state: State, { node, t }: LabEvent): State {
  const end = roleOf(node) === 'agent' ? 'atAgent' : roleOf(node) === 'server' ? 'atServer' : undefined;
  if (end === undefined) return state;
  const tunnels = new Map(state.tunnels);
  for (const [key, tunnel] of tunnels) {
    const isIts = node === tunnel.agent || node === tunnel.server;
    if (isIts && isOpen(tunnel[end])) tunnels.set(key, { ...tunnel, [end]: { is: 'gone', since: t } });
  }
  return { ...state, tunnels };
}

function flowChanged(state: State, event: FlowEvent & { readonly t: number }): State {
  const ends = endsOf(state, event);
  if (ends === undefined) return state;
  const { flow, kind, t } = event;
  const earlier = state.tunnels.get(tunnelKey(...ends));
  const numbered = flow === undefined ? {} : { flow };
  if (kind === 'flow.forgotten')
    return change(state, ...ends, { ...numbered, cut: { at: t, verdict: event.verdict ?? 'drop', lost: 0 } });
  if (kind === 'flow.lost') {
    const cut = earlier?.cut ?? { at: t, verdict: 'drop', lost: 0 };
    return change(state, ...ends, { ...numbered, cut: { ...cut, lost: cut.lost + (event.lostBytes ?? 0) } });
  }
  if (kind === 'flow.closed' && earlier?.flow !== flow) return state;
  return change(state, ...ends, numbered);
}

/** Agent and server of a flow: its link names them, or the address of its target is that of a server. */
function endsOf(state: State, { link, peer = '', address }: FlowEvent): [string, string] | undefined {
  const named = link?.split(' → ');
  if (named?.[0]?.startsWith('agent/') && named[1]?.startsWith('server/')) return [named[0], named[1]];
  if (!peer.startsWith('agent/') || address === undefined) return undefined;
  for (const { id, address: own } of state.parts.values()) {
    if (own === address && roleOf(id) === 'server') return [peer, id];
  }
  return undefined;
}

function bytesPassed(state: State, { node, peer = '', t }: LabEvent): State {
  const [agent, server] = roleOf(node) === 'agent' ? [node, peer] : [peer, node];
  if (roleOf(agent) !== 'agent' || roleOf(server) !== 'server') return state;
  return change(state, agent, server, { lastBytes: t });
}
