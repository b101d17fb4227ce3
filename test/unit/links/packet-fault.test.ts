import { constants as h2 } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import {
  closeRequest,
  closeResponse,
  connectId,
  dataPacket,
  dialClose,
  dialId,
  dialRequest,
  dialSuccess,
  type Packet,
} from '../../../src/core/packet.js';
import type { PathStream } from '../../../src/core/packet-path.js';
import { createRandom } from '../../../src/core/random.js';
import type { FaultDocument } from '../../../src/links/fault-document.js';
import { FaultSet } from '../../../src/links/fault-set.js';
import { packetText, RecordingPort } from '../../support/recording-port.js';

class RecordingStream extends RecordingPort implements PathStream {
  readonly resets: number[] = [];
  readonly put: Packet[] = [];

  reset(code: number): void {
    this.resets.push(code);
  }

  override take(packet?: Packet): string[] {
    if (packet === undefined) return super.take();
    this.put.push(packet);
    return [];
  }
}

const edge = { from: 'agent/node-1', to: 'server/server-1' };
const one = connectId(1n);
const two = connectId(2n);
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** The server's end of an agent's stream. `come` has what came to its machine, `stream` what it sent. */
function serverEnd() {
  const clock = new ManualClock();
  const events: EventBody[] = [];
  const emit = (event: EventBody): void => void events.push(event);
  const edges = (): (typeof edge)[] => [edge, { from: 'agent/node-1', to: 'kubelet/node-1' }];
  const set = new FaultSet(
    { node: 'lab/lab', clock, random: createRandom(1), emit, edges },
    { flows: () => [], calm: () => undefined },
  );
  const come: string[] = [];
  const machine = new RecordingPort();
  const open = () => {
    const stream = new RecordingStream();
    const path = set.path(edge, 'target')(stream, (packet) => {
      come.push(packetText(packet));
      return machine;
    });
    return { stream, path };
  };
  const came = (): string[] => come.splice(0);
  return { clock, events, set, machine, came, open, ...open() };
}

const toServer = (action: FaultDocument['do'], more: Partial<FaultDocument> = {}): FaultDocument => ({
  direction: 'toTarget',
  do: action,
  ...more,
});

describe('a packet', () => {
  it('passes as it is without a fault, and its own queue is returned', () => {
    const { path, stream, machine, came } = serverEnd();
    const packet = dataPacket(one, bytes('x'));
    expect(path.received(packet)).toBe(machine);
    path.port.send(packet);
    expect(came()).toEqual(['DATA 1 x']);
    expect(stream.sent[0]).toBe(packet);
  });

  it('is lost, by type and direction, and told with its link and IDs', () => {
    const { path, stream, set, came, events } = serverEnd();
    const fault = set.set(toServer({ packet: { type: 'DIAL_RSP', is: 'lost' } }));
    path.received(dialSuccess(dialId(7n), one));
    path.received(closeResponse(one));
    path.port.send(dialSuccess(dialId(8n), two));
    expect(came()).toEqual(['CLOSE_RSP 1']);
    expect(stream.take()).toEqual(['DIAL_RSP 8 ok 2']);
    expect(events.at(-1)).toEqual({
      kind: 'fault.hit',
      node: 'lab/lab',
      fault: 'fault-1',
      action: 'packet',
      link: 'agent/node-1 → server/server-1',
      packet: 'DIAL_RSP',
      dialId: '7',
      connectId: '1',
      text: 'DIAL_RSP is lost',
    });
    expect(fault.remove()).toEqual({ healed: 0, broken: 1 });
    path.received(dialSuccess(dialId(9n), one));
    expect(came()).toEqual(['DIAL_RSP 9 ok 1']);
  });

  it('is hit when its turn comes, or as often as the limit says', () => {
    const { path, set, came } = serverEnd();
    set.set(toServer({ packet: { type: 'CLOSE_RSP', is: 'lost' } }, { when: { nth: 2 } }));
    for (const id of [1n, 2n, 3n]) path.received(closeResponse(connectId(id)));
    expect(came()).toEqual(['CLOSE_RSP 1', 'CLOSE_RSP 3']);
    set.heal();
    const fault = set.set(toServer({ packet: { is: 'lost' } }, { limit: 1 }));
    for (const id of [1n, 2n]) path.received(closeResponse(connectId(id)));
    expect(came()).toEqual(['CLOSE_RSP 2']);
    expect(fault.hits).toBe(1);
  });

  it('is hit after an event, for as long as the fault says', async () => {
    const { path, set, came, clock } = serverEnd();
    set.set(toServer({ packet: { is: 'lost' } }, { when: { event: 'agent.connected' }, for: '5s' }));
    path.received(closeResponse(one));
    set.see({ kind: 'agent.connected', node: 'agent/node-1' });
    await Promise.resolve();
    path.received(closeResponse(two));
    clock.advance(5000);
    path.received(closeResponse(connectId(3n)));
    expect(came()).toEqual(['CLOSE_RSP 1', 'CLOSE_RSP 3']);
  });

  it('is delayed, and others overtake it', () => {
    const { path, set, came, clock } = serverEnd();
    set.set(toServer({ packet: { type: 'DIAL_RSP', is: 'delayed', delay: '35s' } }));
    path.received(dialSuccess(dialId(7n), one));
    path.received(closeResponse(two));
    clock.advance(34_000);
    expect(came()).toEqual(['CLOSE_RSP 2']);
    clock.advance(1000);
    expect(came()).toEqual(['DIAL_RSP 7 ok 1']);
  });

  it('is held past the end of its own connection', () => {
    const { path, set, came } = serverEnd();
    set.set(toServer({ packet: { type: 'DATA', is: 'heldPast', past: 'CLOSE_RSP' } }));
    const own = Buffer.from('tail');
    path.received(dataPacket(one, own));
    own.fill('#');
    path.received(closeResponse(two));
    expect(came()).toEqual(['CLOSE_RSP 2']);
    path.received(closeResponse(one));
    expect(came()).toEqual(['CLOSE_RSP 1', 'DATA 1 tail']);
  });

  it('is held past a packet of the other direction: an answer crosses the cancellation of its dial', () => {
    const { path, stream, set, came } = serverEnd();
    set.set(toServer({ packet: { type: 'DIAL_RSP', is: 'heldPast', past: 'DIAL_CLS' } }));
    path.received(dialSuccess(dialId(7n), one));
    path.port.send(dialClose(dialId(8n)));
    expect(came()).toEqual([]);
    path.port.send(dialClose(dialId(7n)));
    expect(stream.take()).toEqual(['DIAL_CLS 8', 'DIAL_CLS 7']);
    expect(came()).toEqual(['DIAL_RSP 7 ok 1']);
  });

  it('passes when the fault that holds it is removed, and never after the end of the stream', () => {
    const { path, set, came, clock, open } = serverEnd();
    const other = open();
    const fault = set.set({ do: { packet: { is: 'delayed', delay: '1m' } } });
    path.received(closeResponse(one));
    other.path.received(closeResponse(two));
    other.path.closed();
    other.path.port.send(closeRequest(two));
    expect(other.stream.take()).toEqual(['CLOSE_REQ 2']);
    expect(fault.remove()).toEqual({ healed: 1, broken: 0 });
    clock.advance(60_000);
    expect(came()).toEqual(['CLOSE_RSP 1']);
  });

  it('comes twice, or for another connection, whatever bytes it came in', () => {
    const { path, stream, set, came } = serverEnd();
    const fault = set.set(toServer({ packet: { type: 'CLOSE_RSP', is: 'duplicated' } }));
    path.received(closeResponse(one));
    expect(came()).toEqual(['CLOSE_RSP 1', 'CLOSE_RSP 1']);
    fault.remove();
    const renumbered = set.set({ do: { packet: { is: 'renumbered', connectId: 9 } } });
    path.port.send({ ...dialSuccess(dialId(7n), one), raw: Buffer.alloc(1) });
    path.port.send(dialRequest('a:1', dialId(7n)));
    expect(stream.sent).toEqual([dialSuccess(dialId(7n), connectId(9n)), dialRequest('a:1', dialId(7n))]);
    expect(renumbered.hits).toBe(1);
  });

  it('meets the faults in order, and the first one decides', () => {
    const { path, set, came } = serverEnd();
    set.set(toServer({ packet: { type: 'CLOSE_RSP', is: 'duplicated' } }));
    const second = set.set(toServer({ packet: { is: 'lost' } }));
    path.received(closeResponse(one));
    path.received(closeRequest(one));
    expect(came()).toEqual(['CLOSE_RSP 1', 'CLOSE_RSP 1']);
    expect(second.hits).toBe(1);
  });
});

describe('back pressure', () => {
  it('stops the sources of a stream while too many bytes are kept back', () => {
    const { path, set } = serverEnd();
    const fault = set.set({ do: { packet: { type: 'DATA', is: 'heldPast', past: 'CLOSE_RSP' } } });
    for (let times = 0; times < 16; times += 1) path.port.send(dataPacket(one, new Uint8Array(64 * 1024)));
    const full = path.received(dataPacket(one, new Uint8Array(64 * 1024)));
    expect([full?.congested, path.port.congested]).toEqual([true, true]);
    let woken = 0;
    full?.whenClear(() => {
      woken += 1;
    });
    path.port.whenClear(() => {
      woken += 1;
    });
    fault.remove();
    expect([woken, path.port.congested]).toEqual([2, false]);
  });

  it('is that of the machine behind the packets that pass', () => {
    const { path, stream, machine, set } = serverEnd();
    set.set(toServer({ packet: { type: 'DIAL_RSP', is: 'lost' } }));
    machine.congested = true;
    expect(path.received(dataPacket(one, bytes('x')))).toBe(machine);
    stream.congested = true;
    expect(path.port.congested).toBe(true);
  });

  it('lets what waits go before the end of the stream', () => {
    const { path, stream, set } = serverEnd();
    set.set({ do: { packet: { is: 'delayed', delay: '1m' } } });
    path.port.send(closeRequest(one));
    path.port.finish();
    expect(stream.take()).toEqual(['CLOSE_REQ 1']);
    expect(stream.finished).toBe(1);
  });
});

describe('a stream', () => {
  it('gets packets that nobody has sent, in the directions of the fault', () => {
    const { stream, set, events } = serverEnd();
    set.set({ do: { inject: { packet: 'dataForUnknown' } } });
    expect([stream.sent.length, stream.put.length]).toEqual([1, 1]);
    expect(events.at(-1)).toMatchObject({ packet: 'DATA', text: 'a packet is put in: dataForUnknown' });
    set.set({ direction: 'toClient', do: { inject: { packet: 'unknownType' } } });
    expect(stream.sent.at(-1)).toEqual({ kind: 'UNKNOWN', type: 99 });
    expect(stream.put).toHaveLength(1);
  });

  it('is reset when it was quiet for so long, and each packet begins the time anew', () => {
    const { path, stream, set, clock } = serverEnd();
    const fault = set.set('stream-idle-60s-reset');
    clock.advance(59_000);
    path.port.send(closeRequest(one));
    clock.advance(59_000);
    path.received(closeResponse(one));
    clock.advance(59_999);
    expect(stream.resets).toEqual([]);
    clock.advance(1);
    expect(stream.resets).toEqual([h2.NGHTTP2_PROTOCOL_ERROR]);
    expect(fault.hits).toBe(1);
  });

  it('is reset at an age, also when it is busy, and a new one has its own time', () => {
    const { stream, set, clock, open } = serverEnd();
    set.set({ when: { age: '60s' }, do: { resetStream: { code: 'NO_ERROR' } } });
    clock.advance(30_000);
    const second = open();
    clock.advance(30_000);
    expect([stream.resets, second.stream.resets]).toEqual([[h2.NGHTTP2_NO_ERROR], []]);
    clock.advance(30_000);
    expect(second.stream.resets).toEqual([h2.NGHTTP2_NO_ERROR]);
  });

  it('is hit again and again, until it has ended', () => {
    const { path, stream, set, clock } = serverEnd();
    set.set({ when: { every: '10s' }, direction: 'toClient', do: { inject: { packet: 'unknownType' } } });
    clock.advance(20_000);
    path.closed();
    clock.advance(20_000);
    expect(stream.sent).toHaveLength(2);
  });
});

it('is a fault also of the link of a stranger, while its stream is open', () => {
  const { set } = serverEnd();
  const document = { on: { from: 'agent/stranger' }, do: 'resetStream' } as const;
  expect(() => set.set(document)).toThrow('no link agent/stranger → * has packets');
  const stream = new RecordingStream();
  const path = set.path({ ...edge, from: 'agent/stranger' }, 'target')(stream, () => undefined);
  expect(set.set(document).hits).toBe(1);
  expect(stream.resets).toHaveLength(1);
  path.closed();
  expect(() => set.set(document)).toThrow('no link agent/stranger → * has packets');
});

it('is no fault of a device, which sees no packets', () => {
  const options = { node: 'middlebox/edge', clock: new ManualClock(), random: createRandom(1) };
  const set = new FaultSet({ ...options, emit: () => undefined }, { flows: () => [], calm: () => undefined });
  expect(() => set.set({ do: 'resetStream' })).toThrow('TLS hides them');
});

it.each<[FaultDocument, string]>([
  [{ do: { packet: { is: 'delayed' } } as never }, 'do.packet: delayed takes a delay, and nothing else does'],
  [{ do: { packet: { is: 'lost', past: 'DATA' } } as never }, 'do.packet: heldPast takes past'],
  [{ do: { packet: { is: 'renumbered' } } as never }, 'do.packet: renumbered takes a connectId'],
  [{ do: { packet: { type: 'SYN', is: 'lost' } } as never }, 'do.packet.type: '],
  [{ when: { idleFor: 1 }, do: { packet: { is: 'lost' } } }, 'when: packet takes now, nth, event'],
  [{ when: { nth: 1 }, do: 'resetStream' }, 'when: resetStream takes now, idleFor, age, event, every'],
  [{ for: 1, do: 'resetStream' }, 'for: resetStream is done at once'],
  [
    { when: { event: 'packet' }, do: { inject: { packet: 'unknownType' } } },
    'limit: what is put in at each packet is a packet, too',
  ],
  [{ direction: 'toClient', do: 'resetStream' }, 'direction: resetStream has none'],
  [{ do: { resetStream: { code: 'NONE' } } as never }, 'do.resetStream.code: '],
  [
    { on: { to: 'kubelet/*' }, do: 'resetStream' },
    'no link * → kubelet/* has packets; there are agent/node-1 → server/server-1',
  ],
])('a wrong document is refused: %j', (document, text) => {
  expect(() => serverEnd().set.set(document)).toThrow(text);
});
