import type { LabEvent, LifecycleEvent } from '../../core/events.js';

type PartEvent = LabEvent & LifecycleEvent;

/** One try of an agent to connect to a server. `retry` says how it failed. */
export interface Attempt {
  readonly begun: LabEvent;
  readonly retry: PartEvent | undefined;
  readonly succeeded: boolean;
}

/** An agent at one moment. */
export interface AgentAt {
  readonly name: string;
  /** True when its own events are in the journal. */
  readonly reports: boolean;
  /** Its kill or stop, if that was the last. */
  readonly ended: LabEvent | undefined;
  /** What it claimed when it was last connected to any server. */
  readonly claims: string | undefined;
  /** Its connections as it believes them, by server. */
  readonly links: ReadonlyMap<string, PartEvent>;
  /** Its last `agent.connected`: how many servers it looks for. */
  readonly lastConnected: PartEvent | undefined;
  readonly attempts: readonly Attempt[];
}

/** A server at one moment. */
export interface ServerAt {
  readonly name: string;
  readonly started: PartEvent | undefined;
  readonly ended: LabEvent | undefined;
  /** True when it ran before its last start. */
  readonly restarted: boolean;
  /** The agents that it holds connections of, by name, with the newest of each. */
  readonly backends: ReadonlyMap<string, PartEvent>;
  /** The agents that it lost, with the event; those of its earlier runs, too. */
  readonly left: ReadonlyMap<string, PartEvent>;
}

/** The parts at one moment. */
export interface PartsAt {
  readonly agents: ReadonlyMap<string, AgentAt>;
  server(name: string): ServerAt;
  /** The kill or stop of a part, if it does not run. */
  ended(name: string): LabEvent | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type MutableAgent = Writable<Omit<AgentAt, 'links' | 'attempts'>> & {
  readonly links: Map<string, PartEvent>;
  readonly attempts: Writable<Attempt>[];
};
type MutableServer = Writable<Omit<ServerAt, 'backends' | 'left'>> & {
  readonly backends: Map<string, PartEvent>;
  /** How many streams of each agent are open: two agents may use one ID. */
  readonly streams: Map<string, number>;
  readonly left: Map<string, PartEvent>;
};

/** The parts as the events up to and with `seq` show them. */
export function partsAt(events: readonly LabEvent[], seq: number): PartsAt {
  const fold = new PartsFold();
  for (const event of events) {
    if (event.seq > seq) break;
    fold.add(event);
  }
  return fold;
}

class PartsFold implements PartsAt {
  readonly agents = new Map<string, MutableAgent>();
  private readonly servers = new Map<string, MutableServer>();
  private readonly ends = new Map<string, LabEvent>();

  server(name: string): MutableServer {
    return entry(this.servers, name, () => ({
      name,
      started: undefined,
      ended: undefined,
      restarted: false,
      backends: new Map(),
      streams: new Map(),
      left: new Map(),
    }));
  }

  ended(name: string): LabEvent | undefined {
    return this.ends.get(name);
  }

  add(event: LabEvent): void {
    const { node } = event;
    if (node.startsWith('agent/')) this.agent(node).reports = true;
    switch (event.kind) {
      case 'role.started':
        return this.began(event);
      case 'role.stopped':
      case 'role.killed':
        return this.stopped(event);
      case 'agent.connecting':
        this.agent(node).attempts.push({ begun: event, retry: undefined, succeeded: false });
        return;
      case 'agent.retry':
        return this.retried(event);
      case 'agent.connected':
        return this.connected(event);
      case 'agent.disconnected':
        this.agent(node).links.delete(event.peer ?? '');
        return;
      case 'backend.connected':
      case 'backend.disconnected':
        return this.backend(event);
      default:
    }
  }

  private agent(name: string): MutableAgent {
    return entry(this.agents, name, () => ({
      name,
      reports: false,
      ended: undefined,
      claims: undefined,
      links: new Map(),
      lastConnected: undefined,
      attempts: [],
    }));
  }

  private began(event: PartEvent): void {
    const { node } = event;
    this.ends.delete(node);
    if (node.startsWith('server/')) {
      const server = this.server(node);
      server.restarted = server.started !== undefined || server.ended !== undefined;
      server.started = event;
      server.ended = undefined;
      server.backends.clear();
      server.streams.clear();
    } else if (node.startsWith('agent/')) {
      const agent = this.agent(node);
      agent.ended = undefined;
      agent.links.clear();
    }
  }

  /** A kill is told before the stop that it causes: the first says more. */
  private stopped(event: LabEvent): void {
    const { node } = event;
    const first = this.ends.get(node) ?? event;
    this.ends.set(node, first);
    if (node.startsWith('server/')) this.server(node).ended = first;
    else if (node.startsWith('agent/')) this.agent(node).ended = first;
  }

  private connected(event: PartEvent): void {
    const agent = this.agent(event.node);
    agent.links.set(event.peer ?? '', event);
    agent.lastConnected = event;
    const last = agent.attempts.at(-1);
    if (last !== undefined) last.succeeded = true;
  }

  private retried(event: PartEvent): void {
    const last = this.agent(event.node).attempts.at(-1);
    if (last?.retry === undefined && last?.succeeded === false) last.retry = event;
    else this.agent(event.node).attempts.push({ begun: event, retry: event, succeeded: false });
  }

  private backend(event: PartEvent): void {
    const { node, peer = '' } = event;
    const server = this.server(node);
    const agent = this.agent(peer);
    if (event.identifiers !== undefined) agent.claims = event.identifiers;
    const open = (server.streams.get(peer) ?? 0) + (event.kind === 'backend.connected' ? 1 : -1);
    server.streams.set(peer, Math.max(0, open));
    if (event.kind === 'backend.connected') server.backends.set(peer, event);
    else if (open <= 0) server.backends.delete(peer);
    if (open <= 0) server.left.set(peer, event);
    else server.left.delete(peer);
  }
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
