import type { Backend, Connection, PendingDial } from './state.js';

/** A dial or connection as the server believes it. */
export interface ServerBelief {
  readonly dialId: string;
  /** Absent while it is dialled. */
  readonly connectId?: string;
  readonly agent: string;
  readonly address: string;
  /** `closing`: the agent was told to close it, and has not answered. */
  readonly state: 'dialing' | 'open' | 'closing';
  /** Payload passed on so far. */
  readonly toAgentBytes: number;
  readonly fromAgentBytes: number;
}

/** The dials and connections on these streams. */
export function viewConnections(backends: readonly Backend[]): readonly ServerBelief[] {
  return backends.flatMap((backend) => [
    ...[...backend.dials.values()].map(viewDial),
    // The table may be shared with other streams of the agent (`key-by-agent-id`).
    ...[...backend.connections.values()].filter(({ dial }) => dial.to === backend).map(viewConnection),
  ]);
}

function viewDial({ dialId, agent, address }: PendingDial): ServerBelief {
  return { dialId: dialId.toString(), agent, address, state: 'dialing', toAgentBytes: 0, fromAgentBytes: 0 };
}

function viewConnection({ connectId, dial, kind, ...bytes }: Connection): ServerBelief {
  const { toAgentBytes, fromAgentBytes } = bytes;
  const state = kind === 'established' ? 'open' : 'closing';
  return { ...viewDial(dial), connectId: connectId.toString(), state, toAgentBytes, fromAgentBytes };
}
