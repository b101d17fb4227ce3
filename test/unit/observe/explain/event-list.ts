import type { EventBody, LabEvent } from '../../../../src/core/events.js';

/** Events as a journal numbers them, 10 ms apart. */
export function journal(...bodies: readonly EventBody[]): readonly LabEvent[] {
  return bodies.map((body, index) => ({ ...body, seq: index + 1, t: index * 10 }));
}

export const client = 'client/lab';
export const server = 'server/server-1';
export const agent = 'agent/node-1';
export const kubelet = 'kubelet/node-1';
const address = '10.0.1.11:10250';
const asked = { request: 'exec-1', verb: 'exec', path: 'default/web-1/web' } as const;
const ids = { dialId: '77', address } as const;

/** The events of one exec of the lab's client, by what they say. */
export const say = {
  serverStarted: { kind: 'role.started', node: server, count: 1, strategies: 'destHost' },
  backend: {
    kind: 'backend.connected',
    node: server,
    peer: agent,
    identifiers: 'ipv4=10.0.1.11&host=node-1',
  },
  backendLost: { kind: 'backend.disconnected', node: server, peer: agent, error: 'EOF' },
  connecting: { kind: 'agent.connecting', node: agent },
  connected: { kind: 'agent.connected', node: agent, peer: server, count: 1, local: '127.0.0.1:5001' },
  began: { kind: 'request.started', node: client, ...asked },
  dial: { kind: 'dial.started', node: client, peer: server, ...ids, request: 'exec-1' },
  passed: { kind: 'dial.started', node: server, peer: agent, ...ids, text: 'destHost' },
  dialing: { kind: 'endpoint.dialing', node: agent, peer: server, ...ids, connectId: '1' },
  accepted: { kind: 'endpoint.connected', node: agent, peer: server, ...ids, connectId: '1' },
  answered: { kind: 'dial.established', node: server, peer: agent, ...ids, connectId: '1' },
  open: { kind: 'dial.established', node: client, peer: server, ...ids, connectId: '1', request: 'exec-1' },
  atKubelet: { kind: 'request.started', node: kubelet, ...asked },
  noAgent: {
    kind: 'dial.failed',
    node: server,
    ...ids,
    code: 'NO_AGENT',
    reason: 'no_agent',
    error: 'No agent available',
  },
  finished: { kind: 'request.finished', node: client, ...asked },
} as const satisfies Record<string, EventBody>;

/** The frontend's `dial.failed`, and the end of the request with the same words. */
export function dialFailed(code: 'NO_AGENT' | 'DIAL_TIMEOUT' | 'DIAL_CANCELLED', error: string): EventBody[] {
  return [
    { kind: 'dial.failed', node: client, peer: server, ...ids, request: 'exec-1', code, error },
    { kind: 'request.failed', node: client, ...asked, code, error },
  ];
}

/** The end of the request after its connection was open. */
export function failed(error: string): EventBody {
  return { kind: 'request.failed', node: client, ...asked, code: 'TUNNEL_CLOSED', error };
}

/** The end of the connection, as one part reports it. */
export function closed(
  node: string,
  more: {
    readonly reason?: 'agent_lost' | 'frontend_lost' | 'frontend_stalled' | 'reused_id';
    readonly error?: string;
  },
): EventBody {
  return { kind: 'connection.closed', node, ...ids, connectId: '1', ...more };
}
