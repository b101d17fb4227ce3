import type { WebJournal } from './journal.js';
import type { RequestState } from './requests.js';
import { nameOf, roleOf } from './state.js';

/** When an agent was connected to any server, and why it is not any more. */
export interface AgentTime {
  readonly agent: string;
  readonly ip: string;
  readonly spans: readonly { readonly from: number; readonly to: number }[];
  /** When its connection was lost, or forgotten by the network. */
  readonly lost?: { readonly at: number; readonly word: string };
}

export interface AgentTimes {
  readonly agents: readonly AgentTime[];
  readonly from: number;
  readonly to: number;
  /** When the request began. */
  readonly at: number;
}

const mostAgents = 6;

/** The connections of agents until a request ended: those in trouble first. */
export function agentTimesOf(journal: WebJournal, request: RequestState): AgentTimes {
  const to = request.end ?? journal.end;
  const times = new Map<
    string,
    { open: number | undefined; spans: { from: number; to: number }[]; lost?: AgentTime['lost'] }
  >();
  for (const { kind, node, peer, t, ...event } of journal.events) {
    if (t > to) break;
    const agent = roleOf(node) === 'agent' ? node : peer;
    if (kind === 'backend.connected' && agent !== undefined) {
      const { spans } = times.get(agent) ?? { spans: [] };
      times.set(agent, { open: t, spans });
      continue;
    }
    const forgotten = kind === 'flow.forgotten' && 'link' in event ? event.link?.split(' → ')[0] : undefined;
    const known = times.get(forgotten ?? agent ?? '');
    if (known === undefined) continue;
    if (forgotten !== undefined) known.lost ??= { at: t, word: 'forgotten by the network' };
    else if (kind === 'role.killed') known.lost ??= { at: t, word: 'killed' };
    else if (kind === 'backend.disconnected' && known.open !== undefined) {
      known.spans.push({ from: known.open, to: t });
      known.open = undefined;
      known.lost ??= { at: t, word: 'disconnected' };
    }
  }
  const { ips } = journal.stateAfter(journal.countAt(to));
  const agents = [...times].map(([agent, { open, spans, lost }]) => ({
    agent,
    ip: ips.get(nameOf(agent)) ?? '',
    spans: open === undefined ? spans : [...spans, { from: open, to }],
    ...(lost === undefined ? {} : { lost }),
  }));
  const first = Math.min(
    to,
    ...agents.flatMap(({ spans, lost }) => [...spans.map(({ from }) => from), lost?.at ?? to]),
  );
  return {
    agents: agents
      .sort((a, b) => Number(b.lost !== undefined) - Number(a.lost !== undefined))
      .slice(0, mostAgents),
    from: first,
    to,
    at: request.start,
  };
}
