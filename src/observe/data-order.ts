import type { LabEvent, PacketEvent } from '../core/events.js';
import { eventText } from './event-text.js';
import { withDials } from './request-events.js';

/** The payload sizes of the DATA packets of one direction, in order. */
interface Way {
  readonly sent: number[];
  readonly arrived: number[];
}

interface Conversation {
  readonly start: LabEvent;
  readonly toNode: Way;
  readonly toClient: Way;
}

/**
 * Compares, for each dial whose beginning is among the events, the DATA that its client and its agent sent with the DATA
 * that arrived at the other: they must be the same sizes in the same order, up to what was lost at the end of the connection. One line
 * for each way on which they are not. A journal has no payload, so bytes that were exchanged for others of the same number
 * are not found.
 */
export function misplacedData(events: readonly LabEvent[]): string[] {
  const conversations = new Map<string, Conversation>();
  for (const { event, dialId } of withDials(events)) {
    if (dialId === undefined || isOfServer(event)) continue;
    if (event.kind === 'dial.started') {
      conversations.set(dialId, { start: event, toNode: emptyWay(), toClient: emptyWay() });
    } else if (event.kind === 'packet' && event.packet === 'DATA') {
      const conversation = conversations.get(dialId);
      if (conversation !== undefined) note(conversation, event);
    }
  }
  return [...conversations.values()].flatMap(({ start, toNode, toClient }) => [
    ...differences(start, 'to the node', toNode),
    ...differences(start, 'to the client', toClient),
  ]);
}

const emptyWay = (): Way => ({ sent: [], arrived: [] });

/** Servers name a connection of several agents by the same number, so their events do not tell it. */
function isOfServer({ node }: LabEvent): boolean {
  return node.startsWith('server/');
}

function note({ toNode, toClient }: Conversation, { node, dir, bytes }: PacketEvent): void {
  const isAgent = node.startsWith('agent/');
  const way = isAgent === (dir === 'out') ? toClient : toNode;
  (dir === 'out' ? way.sent : way.arrived).push(bytes);
}

function differences(start: LabEvent, direction: string, { sent, arrived }: Way): string[] {
  const index = arrived.findIndex((bytes, at) => bytes !== sent[at]);
  if (index === -1) return [];
  const was = sent[index] === undefined ? 'was not sent' : `was sent with ${sent[index]} B`;
  return [
    `DATA ${direction}, packet ${index + 1}: ${arrived[index]} B arrived, and it ${was}: ${eventText(start)}`,
  ];
}
