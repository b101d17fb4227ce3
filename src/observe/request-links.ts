import type { EventBody } from '../core/events.js';

/** How many dials, and how many connections of one peer, it remembers. */
const maxRemembered = 4096;

/**
 * Which request an event of a server or an agent belongs to. Only who dials knows the request; the others know the dial ID,
 * and after DIAL_RSP the connect ID of their stream.
 */
export class RequestLinks {
  private readonly dials = new Map<string, string>();
  /** The requests by connect ID, for each stream: who reports, and its peer. Without joined keys: packets ask often. */
  private readonly streams = new Map<string, Map<string, Map<string, string>>>();

  /** The request of this event, its own or that of its dial or connection. */
  of({ kind, node, peer = '', request: own, dialId, connectId }: EventBody): string | undefined {
    if (dialId === undefined) {
      if (connectId !== undefined) return own ?? this.streams.get(node)?.get(peer)?.get(connectId);
      if (kind === 'frontend.closed' || kind === 'backend.disconnected' || kind === 'agent.disconnected')
        this.streams.get(node)?.delete(peer);
      return own;
    }
    const request = own ?? this.dials.get(dialId);
    if (request === undefined) return undefined;
    if (own !== undefined) remember(this.dials, dialId, own);
    if (connectId !== undefined) remember(this.stream(node, peer), connectId, request);
    return request;
  }

  private stream(node: string, peer: string): Map<string, string> {
    const peers = this.streams.get(node) ?? new Map<string, Map<string, string>>();
    this.streams.set(node, peers);
    const stream = peers.get(peer) ?? new Map<string, string>();
    peers.set(peer, stream);
    return stream;
  }
}

/** Forgets the oldest when there are too many. */
function remember(map: Map<string, string>, key: string, request: string): void {
  map.set(key, request);
  const [oldest] = map.size > maxRemembered ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
