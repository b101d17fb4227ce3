import { ManualClock } from '../../../src/core/clock.js';
import type { EventBody, LabEvent, PacketName } from '../../../src/core/events.js';
import { createJournal, type Journal } from '../../../src/observe/journal.js';

export const dial = '8897718490787564857';
const names = { apiserver: 'apiserver/main', server: 'server/server-1', agent: 'agent/node-1' } as const;
type Party = keyof typeof names;

/** Writes a journal as the parts of a lab do: each packet is reported by its sender and by its receiver. */
export class RequestScript {
  readonly clock = new ManualClock();
  readonly journal: Journal = createJournal({ clock: this.clock });
  private readonly request: string;

  constructor(request = 'exec-1') {
    this.request = request;
  }

  get events(): readonly LabEvent[] {
    return this.journal.events();
  }

  say(event: EventBody, afterMs = 0.1): this {
    this.clock.advance(afterMs);
    this.journal.emit(event);
    return this;
  }

  /** One packet between neighbours; `lost` leaves out the receiver's report. */
  hop(from: Party, to: Party, packet: PacketName, more: Partial<Hop> = {}): this {
    const { bytes = 0, dialId, connectId, wayMs = 0.3, lost = false, text } = more;
    const ids = { ...(dialId && { dialId }), ...(connectId && { connectId }), ...(text && { text }) };
    const report = (self: Party, other: Party, dir: 'in' | 'out', afterMs: number): void => {
      const peer = self === 'server' && other === 'apiserver' ? 'client/frontend-1' : names[other];
      const own = self === 'apiserver' ? { dialId: dial, request: this.request } : {};
      this.say({ kind: 'packet', node: names[self], peer, dir, packet, bytes, ...ids, ...own }, afterMs);
    };
    report(from, to, 'out', 0.1);
    if (!lost) report(to, from, 'in', wayMs);
    return this;
  }

  /** A packet handed on over both hops, towards the agent or towards the frontend. */
  relay(direction: 'down' | 'up', packet: PacketName, more: Partial<Hop> = {}): this {
    const path: Party[] =
      direction === 'down' ? ['apiserver', 'server', 'agent'] : ['agent', 'server', 'apiserver'];
    const [first, second, third] = path as [Party, Party, Party];
    return this.hop(first, second, packet, more).hop(second, third, packet, more);
  }

  /** From the request to the moment before the dial's answer. */
  begin(): this {
    return this.say({
      kind: 'request.started',
      node: names.apiserver,
      peer: 'client/kubectl',
      request: this.request,
      verb: 'POST',
      path: '/api/v1/namespaces/default/pods/web/exec?command=date',
      protocol: 'websocket-v5',
    })
      .hop('apiserver', 'server', 'DIAL_REQ', { dialId: dial, text: '10.0.1.11:10250' })
      .say({
        kind: 'dial.started',
        node: names.server,
        peer: names.agent,
        dialId: dial,
        address: '10.0.1.11:10250',
        text: 'its identifiers name the host',
      })
      .hop('server', 'agent', 'DIAL_REQ', { dialId: dial, text: '10.0.1.11:10250' })
      .endpoint('endpoint.dialing');
  }

  endpoint(
    kind: 'endpoint.dialing' | 'endpoint.connected' | 'endpoint.failed' | 'endpoint.closed',
    error?: string,
  ): this {
    const failure = error === undefined ? {} : { error };
    return this.say({
      kind,
      node: names.agent,
      peer: names.server,
      dialId: dial,
      connectId: '1',
      address: '10.0.1.11:10250',
      ...failure,
    });
  }
}

interface Hop {
  readonly bytes: number;
  readonly dialId: string;
  readonly connectId: string;
  readonly wayMs: number;
  readonly lost: boolean;
  readonly text: string;
}

/** An exec that works. */
export function successfulExec(): RequestScript {
  const script = new RequestScript().begin().endpoint('endpoint.connected');
  script.relay('up', 'DIAL_RSP', { dialId: dial, connectId: '1' });
  script.relay('down', 'DATA', { connectId: '1', bytes: 517 });
  for (const bytes of [1400, 1400, 212]) script.relay('up', 'DATA', { connectId: '1', bytes });
  script.relay('down', 'DATA', { connectId: '1', bytes: 80 });
  script.say({
    kind: 'request.started',
    node: 'kubelet/node-1',
    request: 'exec-1',
    verb: 'POST',
    path: '/exec/default/web/app?command=date',
    protocol: 'websocket-v5',
  });
  script.relay('up', 'DATA', { connectId: '1', bytes: 29 });
  script.say({ kind: 'request.finished', node: 'kubelet/node-1', request: 'exec-1', exitCode: 0 });
  script.relay('down', 'CLOSE_REQ', { connectId: '1' });
  script.endpoint('endpoint.closed').relay('up', 'CLOSE_RSP', { connectId: '1' });
  return script.say({
    kind: 'request.finished',
    node: 'apiserver/main',
    peer: 'client/kubectl',
    request: 'exec-1',
    status: 101,
    exitCode: 0,
  });
}
