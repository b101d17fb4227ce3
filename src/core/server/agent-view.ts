import type { Backend, Connection } from './state.js';

/** Payload bytes that were passed on. */
export interface Payload {
  readonly toAgentBytes: number;
  readonly fromAgentBytes: number;
}

/** One agent as the server sees it, over all its streams. Its payload is that of the open streams. */
export interface AgentView extends Payload {
  readonly agentId: string;
  readonly streams: number;
  readonly connections: number;
  readonly pendingDials: number;
  /** How long it sent nothing, ms. Data is counted only when this is read: passing it on needs no clock. */
  readonly silentMs: number;
  /** True when its oldest stream, which new dials go to, is draining. */
  readonly draining: boolean;
}

/** One view for each agent ID among the streams. */
export function viewAgents(backends: readonly Backend[], now: number): readonly AgentView[] {
  const views = new Map<string, AgentView>();
  for (const backend of backends) {
    const view = viewStream(backend, now);
    const other = views.get(view.agentId);
    views.set(view.agentId, other === undefined ? view : together(other, view));
  }
  return [...views.values()];
}

/** The table may be shared with other streams of the agent (`key-by-agent-id`). */
function establishedOn(backend: Backend): readonly Connection[] {
  const all = [...backend.connections.values()];
  return all.filter(({ kind, dial }) => kind === 'established' && dial.to === backend);
}

/** The payload of `ended` connections and of those that the streams still hold. */
export function sumPayload(ended: Payload, backends: readonly Backend[]): Payload {
  const sum = { toAgentBytes: ended.toAgentBytes, fromAgentBytes: ended.fromAgentBytes };
  for (const backend of backends) {
    for (const { toAgentBytes, fromAgentBytes } of establishedOn(backend)) {
      sum.toAgentBytes += toAgentBytes;
      sum.fromAgentBytes += fromAgentBytes;
    }
  }
  return sum;
}

function viewStream(backend: Backend, now: number): AgentView {
  const payload = sumPayload(backend.ended, [backend]);
  if (payload.fromAgentBytes > backend.seenBytes) {
    backend.seenBytes = payload.fromAgentBytes;
    backend.seenAt = now;
  }
  return {
    agentId: backend.agentId,
    streams: 1,
    connections: establishedOn(backend).length,
    pendingDials: backend.dials.size,
    ...payload,
    silentMs: now - backend.seenAt,
    draining: backend.draining,
  };
}

function together(older: AgentView, newer: AgentView): AgentView {
  return {
    agentId: older.agentId,
    streams: older.streams + newer.streams,
    connections: older.connections + newer.connections,
    pendingDials: older.pendingDials + newer.pendingDials,
    toAgentBytes: older.toAgentBytes + newer.toAgentBytes,
    fromAgentBytes: older.fromAgentBytes + newer.fromAgentBytes,
    silentMs: Math.min(older.silentMs, newer.silentMs),
    draining: older.draining,
  };
}
