import type { LabEvent } from '../../core/events.js';
import { type Dial, type DialBelief, roleOf, type State } from './state.js';

/** How many dials that have ended are kept, for the table of connections. */
const keptDials = 200;

/** What the ends believe of each dial and connection through the tunnel. */
export function reduceDial(state: State, event: LabEvent): State {
  const { dialId } = event;
  if (dialId === undefined) return state;
  const belief = beliefAfter(event);
  if (belief === undefined) return state;
  const role = roleOf(event.node);
  const earlier = state.dials.get(dialId) ?? newDial(dialId, event);
  const dials = new Map(state.dials).set(dialId, { ...earlier, ...seenBy(role, event, belief) });
  if (dials.size > keptDials) {
    const old = [...dials].find(([, dial]) => isOver(dial))?.[0];
    if (old !== undefined) dials.delete(old);
  }
  return { ...state, dials };
}

export const isOver = ({ atFrontend, atServer, atAgent }: Dial): boolean =>
  [atFrontend, atServer, atAgent].every((belief) => belief === 'gone' || belief === 'none');

function beliefAfter({ kind }: LabEvent): DialBelief | undefined {
  switch (kind) {
    case 'dial.started':
    case 'endpoint.dialing':
      return 'dialing';
    case 'dial.established':
    case 'endpoint.connected':
      return 'open';
    case 'dial.failed':
    case 'connection.closed':
    case 'endpoint.closed':
    case 'endpoint.failed':
      return 'gone';
    default:
      return undefined;
  }
}

function newDial(dialId: string, event: LabEvent & { address?: string }): Dial {
  const { address = '', t } = event;
  return { dialId, address, since: t, atFrontend: 'none', atServer: 'none', atAgent: 'none' };
}

function seenBy(role: string, event: LabEvent, belief: DialBelief): Partial<Dial> {
  const { node, peer, request, connectId, text, kind } = event;
  const common = {
    ...(request === undefined ? {} : { request }),
    ...(connectId === undefined ? {} : { connectId }),
  };
  if (role === 'server') {
    const chosen = peer?.startsWith('agent/') ? { agent: peer } : {};
    const because = kind === 'dial.started' && text !== undefined ? { because: text } : {};
    return { ...common, ...chosen, ...because, server: node, atServer: belief };
  }
  if (role === 'agent') return { ...common, agent: node, atAgent: belief };
  return { ...common, frontend: node, ...(peer === undefined ? {} : { server: peer }), atFrontend: belief };
}
