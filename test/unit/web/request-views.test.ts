import { beforeAll, describe, expect, it } from 'vitest';
import { agentTimesOf } from '../../../src/web/model/agent-times.js';
import { copiesOf } from '../../../src/web/model/copy-as.js';
import { isLost } from '../../../src/web/model/hops.js';
import type { WebJournal } from '../../../src/web/model/journal.js';
import { ladderOf } from '../../../src/web/model/ladder.js';
import { layoutOf, pointOn, wayOf } from '../../../src/web/model/layout.js';
import { EvenTime, momentsOf } from '../../../src/web/model/pace.js';
import type { RequestState } from '../../../src/web/model/requests.js';
import { sentenceOf } from '../../../src/web/model/sentence.js';
import { recordedJournal, until } from './recorded.js';

let journal: WebJournal;
beforeAll(async () => {
  journal = await recordedJournal();
});

function request(id: string): RequestState {
  const found = journal.requests.get(id);
  if (found === undefined) throw new Error(`no request ${id}`);
  return found;
}

describe('a request on the page', () => {
  it('is one that crosses the tunnel; those that only the API server answers are not shown', () => {
    expect(journal.requests.list().map(({ id }) => id)).toEqual([
      ...['exec-1', 'exec-2', 'main-60', 'main-62', 'main-70', 'exec-3'],
    ]);
    expect(request('main-62')).toMatchObject({ verb: 'exec', target: 'web-1', outcome: 'failed' });
  });

  it('pairs both ends of each packet, also where DATA names no dial', () => {
    const own = journal.passages.list.filter((passage) => passage.request === 'exec-2');
    expect(own.length).toBeGreaterThan(10);
    expect(own.every(({ hop }) => hop.arrivedAt !== undefined)).toBe(true);
    expect(new Set(own.map(({ from }) => from))).toEqual(
      new Set(['client/lab', 'server/server-1', 'agent/node-2']),
    );
  });

  it('shows a packet as lost that the agent never saw, and no packet on the way to the server', () => {
    const lost = journal.passages.list.filter((passage) => isLost(passage, journal.end, journal.reporting));
    expect(lost[0]).toMatchObject({ request: 'main-62', to: 'agent/node-1', hop: { packet: 'DIAL_REQ' } });
    expect(lost.every(({ to }) => to === 'agent/node-1')).toBe(true);
  });

  it('has a ladder with phases and what the kubelet did', () => {
    const ladder = ladderOf(journal, request('exec-2'));
    expect(ladder.phases.map(({ text }) => text)).toEqual([
      ...['dial', 'TLS to the kubelet: sealed, the tunnel cannot read it', 'exec', 'close'],
    ]);
    expect(ladder.marks.map(({ text }) => text)).toEqual([
      'dials the kubelet',
      'connected',
      'exec starts',
      'exit 7',
    ]);
    expect(ladderOf(journal, request('main-62')).phases[0]).toMatchObject({
      bad: true,
      text: 'dial fails: dial timeout, backstop',
    });
  });

  it('has a time line on which no step is too short to be seen', () => {
    const moments = momentsOf(journal, request('main-62'));
    const even = new EvenTime(moments);
    const places = moments.map((moment) => even.place(moment));
    expect(places.slice(1).every((place, index) => place - (places[index] ?? place) >= 90)).toBe(true);
    expect(even.time(even.place(71_100))).toBeCloseTo(71_100, 3);
    expect(even.total).toBeLessThan(10_000);
  });

  it('says in a sentence what happens, and what is wrong', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'flow.lost'));
    const sentence = sentenceOf(state, request('main-62'), state.t);
    expect(sentence).toMatchObject({
      code: 'exec web-1',
      text: 'is sent to node-1, and nothing comes back.',
    });
    expect(sentence.wrong?.text).toContain('both ends say open, but the network forgot the connection');
  });

  it('gives the way of each packet a place on the map', () => {
    const state = journal.stateAfter(200);
    const layout = layoutOf(state, []);
    const way = wayOf(layout, 'server/server-1', 'agent/node-2') ?? [];
    expect(pointOn(way, 0)[0]).toBeLessThan(pointOn(way, 1)[0]);
    expect(wayOf(layout, 'client/lab', 'server/server-1')).toBeDefined();
    expect(wayOf(layout, 'client/lab', 'agent/node-2')).toBeUndefined();
  });

  it('can be had again: as test code with the waits, on command lines, by curl', () => {
    const state = journal.stateAfter(until(journal, ({ kind }) => kind === 'role.killed'));
    const copies = copiesOf(state, request('main-70'), 'http://127.0.0.1:7575');
    expect(copies.test).toContain(
      "await lab.waitFor({ kind: 'backend.disconnected', peer: 'agent/node-1' });",
    );
    expect(copies.test).toContain("strategies: ['destHost'], keepalive: { agentsMs: 3600000");
    expect(copies.test).toContain("kind: 'flow.forgotten', link: 'agent/node-1 → server/server-1'");
    expect(copies.test).toContain("rejects.toMatchObject({ code: 'DIAL_TIMEOUT' })");
    expect(copies.cli).toContain('konnsim part kill agent/node-1');
    expect(copies.curl).toContain('/v1/parts/agent/node-1:kill');
  });

  it('shows which agents were there when it began, and since when one was not', () => {
    const { agents, at } = agentTimesOf(journal, request('main-62'));
    expect(agents[0]).toMatchObject({ agent: 'agent/node-1', lost: { word: 'forgotten by the network' } });
    expect(agents[0]?.lost?.at).toBeLessThan(at);
    expect(agents[1]).toMatchObject({ agent: 'agent/node-2', ip: '10.0.1.12' });
    expect(agents[1]?.lost).toBeUndefined();
  });
});
