import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { drawLadder } from '../../../src/observe/ladder.js';
import { dial, RequestScript, successfulExec } from './scripted-request.js';

const refused = 'dial tcp 10.0.1.11:10250: connect: connection refused';

function refusedDial(): RequestScript {
  const script = new RequestScript().begin().endpoint('endpoint.failed', refused);
  return script
    .relay('up', 'DIAL_RSP', { dialId: dial, text: refused })
    .say({ kind: 'dial.failed', node: 'apiserver/main', request: 'exec-1', dialId: dial, error: refused })
    .say({
      kind: 'request.failed',
      node: 'apiserver/main',
      peer: 'client/kubectl',
      request: 'exec-1',
      error: refused,
      status: 500,
    });
}

describe('the ladder', () => {
  it('shows an exec from the request to the closing of the connection', () => {
    expect(`\n${drawLadder(successfulExec().events, { request: 'exec-1' })}\n`).toMatchInlineSnapshot(`
      "
           ms  client              apiserver           server              agent               kubelet
               kubectl             main                server-1            node-1          10.0.1.11:10250
               │                   │                   │                   │                   │
          0.0  ├────── POST ──────►│                   │                   │                   │
          0.0  │                   ● /api/v1/namespaces/default/pods/web/exec (websocket-v5)   │
          0.1  │                   ├─ DIAL_REQ d:4857 ►│                   │                   │
          0.5  │                   │                   ● picks node-1: its identifiers name the host
          0.6  │                   │                   ├─ DIAL_REQ d:4857 ►│                   │
          1.0  │                   │                   │                   ├─── TCP connect ──►│
          1.1  │                   │                   │                   │◄─ TCP connected ──┤
          1.2  │                   │                   │◄─ DIAL_RSP c:1 ───┤                   │
          1.6  │                   │◄─ DIAL_RSP c:1 ───┤                   │                   │
          2.0  │                   ├─── DATA 517 B ───►│                   │                   │
          2.4  │                   │                   ├─── DATA 517 B ───►│                   │
          2.8  │                   │                   │◄ DATA ×3 3.0 kB ──┤                   │
          3.2  │                   │◄ DATA ×3 3.0 kB ──┤                   │                   │
          5.2  │                   ├──── DATA 80 B ───►│                   │                   │
          5.6  │                   │                   ├──── DATA 80 B ───►│                   │
          6.0  │                   │                 POST /exec/default/web/app (websocket-v5) ●
          6.1  │                   │                   │◄─── DATA 29 B ────┤                   │
          6.5  │                   │◄─── DATA 29 B ────┤                   │                   │
          6.9  │                   │                   │                   │                   ● ✓ exit 0
          7.0  │                   ├── CLOSE_REQ c:1 ─►│                   │                   │
          7.4  │                   │                   ├── CLOSE_REQ c:1 ─►│                   │
          7.8  │                   │                   │                   ├─── TCP closed ────┤
          7.9  │                   │                   │◄─ CLOSE_RSP c:1 ──┤                   │
          8.3  │                   │◄─ CLOSE_RSP c:1 ──┤                   │                   │
          8.7  │◄──── exit 0 ──────┤                   │                   │                   │
               │                   │                   │                   │                   │

        d:4857 = dial ID 8897718490787564857
        c: = connect ID
        ×n = packets drawn as one
      "
    `);
  });

  it('shows why a dial failed', () => {
    expect(`\n${drawLadder(refusedDial().events, { request: 'exec-1' })}\n`).toMatchInlineSnapshot(`
      "
           ms  client              apiserver           server              agent               kubelet
               kubectl             main                server-1            node-1          10.0.1.11:10250
               │                   │                   │                   │                   │
          0.0  ├────── POST ──────►│                   │                   │                   │
          0.0  │                   ● /api/v1/namespaces/default/pods/web/exec (websocket-v5)   │
          0.1  │                   ├─ DIAL_REQ d:4857 ►│                   │                   │
          0.5  │                   │                   ● picks node-1: its identifiers name the host
          0.6  │                   │                   ├─ DIAL_REQ d:4857 ►│                   │
          1.0  │                   │                   │                   ├─── TCP connect ──►│
          1.1  │   ✗ dial tcp 10.0.1.11:10250: connect: connection refused ●                   │
          1.2  │                   │                   │◄ DIAL_RSP error ──┤                   │
          1.6  │                   │◄ DIAL_RSP error ──┤                   │                   │
          2.0  │                   ● ✗ dial tcp 10.0.1.11:10250: connect: connection refused   │
          2.1  │                   ● ✗ dial tcp 10.0.1.11:10250: connect: connection refused   │
          2.1  │◄── status 500 ────┤                   │                   │                   │
               │                   │                   │                   │                   │

        d:4857 = dial ID 8897718490787564857
      "
    `);
  });

  it('leaves out empty columns', () => {
    const script = new RequestScript();
    script.relay('down', 'DIAL_REQ', { dialId: dial });
    const [head] = drawLadder(script.events, { dialId: dial }).split('\n');
    expect(head?.split(/\s+/).filter(Boolean)).toEqual(['ms', 'apiserver', 'server', 'agent']);
  });

  it('stays within its width with texts of any length', () => {
    const script = refusedDial().say({
      kind: 'request.failed',
      node: 'kubelet/node-1',
      request: 'exec-1',
      error: 'a long tale '.repeat(50),
    });
    for (const width of [60, 80, 100, 400]) {
      const lines = drawLadder(script.events, { request: 'exec-1' }, { width }).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.min(width, 100));
    }
  });

  it('has the same text in colour', () => {
    const events = successfulExec().events;
    const coloured = drawLadder(events, { request: 'exec-1' }, { colour: true });
    expect(coloured).not.toBe(stripVTControlCharacters(coloured));
    expect(stripVTControlCharacters(coloured)).toBe(drawLadder(events, { request: 'exec-1' }));
  });

  it('tells a packet on its way from one that did not arrive in a second', () => {
    const script = new RequestScript().begin();
    script.hop('agent', 'server', 'DIAL_RSP', { dialId: dial, connectId: '1', lost: true });
    expect(drawLadder(script.events, { dialId: dial })).toMatch(/◄╌+ DIAL_RSP c:1 ╌+┤/);
    script.say({ kind: 'agent.connecting', node: 'agent/node-2' }, 1001);
    expect(drawLadder(script.events, { dialId: dial })).toMatch(/✗╌+ DIAL_RSP c:1 ╌+┤/);
  });

  it('knows at once that DATA is lost when later DATA of the connection arrives', () => {
    const script = new RequestScript().relay('up', 'DIAL_RSP', { dialId: dial, connectId: '1' });
    script.hop('agent', 'server', 'DATA', { connectId: '1', bytes: 11, lost: true });
    script.hop('agent', 'server', 'DATA', { connectId: '1', bytes: 22 });
    const text = drawLadder(script.events, { dialId: dial });
    expect(text).toMatch(/✗╌+ DATA 11 B ╌+┤/);
    expect(text).toMatch(/◄─+ DATA 22 B ─+┤/);
  });

  it('does not call a packet lost when its receiver reports no packets', () => {
    const script = new RequestScript();
    script.hop('apiserver', 'server', 'DIAL_REQ', { dialId: dial, lost: true });
    expect(drawLadder(script.events, { dialId: dial })).not.toContain('✗');
  });

  it('shows the travel time of a slow packet', () => {
    const script = new RequestScript().hop('server', 'agent', 'DIAL_REQ', { dialId: dial, wayMs: 250 });
    expect(drawLadder(script.events, { dialId: dial })).toContain('DIAL_REQ +250ms');
  });

  it('merges DATA of one direction although the hops interleave, and starts anew when the direction turns', () => {
    const script = new RequestScript().relay('up', 'DIAL_RSP', { dialId: dial, connectId: '1' });
    for (const bytes of [100, 200]) script.relay('up', 'DATA', { connectId: '1', bytes });
    script
      .relay('down', 'DATA', { connectId: '1', bytes: 7 })
      .relay('up', 'DATA', { connectId: '1', bytes: 9 });
    const labels = drawLadder(script.events, { dialId: dial }).match(/DATA (×\d )?\d+ B/g);
    expect(labels).toEqual([
      'DATA ×2 300 B',
      'DATA ×2 300 B',
      'DATA 7 B',
      'DATA 7 B',
      'DATA 9 B',
      'DATA 9 B',
    ]);
  });

  it('leaves out the middle of a long conversation', () => {
    const script = new RequestScript().relay('up', 'DIAL_RSP', { dialId: dial, connectId: '1' });
    for (let turn = 0; turn < 50; turn++) {
      script.hop('server', 'agent', 'DATA', { connectId: '1', bytes: turn });
      script.hop('agent', 'server', 'DATA', { connectId: '1', bytes: turn });
    }
    const text = drawLadder(script.events, { dialId: dial }, { maxRows: 21 });
    expect(text).toContain('⋮ 82 more rows');
    expect(text.match(/DATA/g)).toHaveLength(18);
  });

  it('shows an agent that was lost during the request', () => {
    const script = new RequestScript().begin();
    script.say({
      kind: 'agent.disconnected',
      node: 'agent/node-1',
      peer: 'server/server-1',
      error: 'ECONNRESET',
    });
    script.say({ kind: 'agent.disconnected', node: 'agent/node-2', peer: 'server/server-1', error: 'other' });
    script.say({
      kind: 'dial.failed',
      node: 'apiserver/main',
      request: 'exec-1',
      dialId: dial,
      error: 'tunnel closed',
    });
    const text = drawLadder(script.events, { request: 'exec-1' });
    expect(text).toContain('✗ agent disconnected: ECONNRESET');
    expect(text).not.toContain('other');
  });

  it('keeps apart two connections whose agents gave them the same connect ID after a restart', () => {
    const script = new RequestScript();
    script.hop('agent', 'server', 'DIAL_RSP', { dialId: '1111', connectId: '1' });
    script.hop('agent', 'server', 'DATA', { connectId: '1', bytes: 11 });
    script.hop('agent', 'server', 'DIAL_RSP', { dialId: '2222', connectId: '1' });
    script.hop('agent', 'server', 'DATA', { connectId: '1', bytes: 22 });
    expect(drawLadder(script.events, { dialId: '1111' })).toContain('DATA 11 B');
    expect(drawLadder(script.events, { dialId: '1111' })).not.toContain('DATA 22 B');
    expect(drawLadder(script.events, { dialId: '2222' })).not.toContain('DATA 11 B');
  });

  it('removes control characters from texts of peers', () => {
    const script = new RequestScript().begin().endpoint('endpoint.failed', '\u001b[2Jgone\u0007');
    expect(drawLadder(script.events, { request: 'exec-1' })).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('says so when it knows nothing of the request', () => {
    expect(drawLadder([], { request: 'exec-9' })).toBe('the journal has no events of request exec-9');
  });
});
