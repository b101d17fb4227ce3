import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../../../src/core/events.js';
import { explainRequest } from '../../../../src/observe/explain/explain-request.js';
import { families } from '../../../../src/observe/explain/families.js';
import { agent, client, closed, dialFailed, failed, journal, kubelet, say, server } from './event-list.js';

const ready = [say.serverStarted, say.connecting, say.connected, say.backend];
const asked = [say.began, say.dial];
const opened = [...asked, say.passed, say.dialing, say.accepted, say.answered, say.open];
const backstop = dialFailed('DIAL_TIMEOUT', 'dial timeout, backstop');
const nobody = [say.noAgent, ...dialFailed('NO_AGENT', 'No agent available')];

/** The causes of `exec-1`. */
function causesOf(...bodies: readonly EventBody[]): string[] {
  return explainRequest(journal(...bodies), 'exec-1').causes.map(({ cause }) => cause);
}

describe('a dial without an answer is explained by its leg', () => {
  it.each([
    ['frontend → server', 'request-lost', asked],
    ['server → agent', 'agent-silent', [...asked, say.passed]],
    ['agent → endpoint', 'endpoint-silent', [...asked, say.passed, say.dialing]],
    ['agent → server', 'answer-lost', [...asked, say.passed, say.dialing, say.accepted]],
    ['server → frontend', 'reply-lost', [...asked, say.passed, say.dialing, say.accepted, say.answered]],
  ])('%s', (_leg, cause, until) => {
    expect(causesOf(...ready, ...until, ...backstop)).toEqual([cause]);
  });

  it('only if the part that is silent reports to this journal', () => {
    const [, , , backend] = ready;
    const events = journal(say.serverStarted, backend ?? say.backend, ...asked, say.passed, ...backstop);
    const told = explainRequest(events);
    expect(told.causes).toEqual([]);
    expect(told.missing).toContainEqual(expect.stringMatching(/^agent-silent: `dial.started` at the server/));
    expect(told.text).toContain('No event proves a cause.');
    expect(told.text).toContain('What would prove one:');
  });

  it('behind HTTP CONNECT, too, whose frontend knows no dial ID, unless two dials could be its own', () => {
    const bare = { node: client, peer: 'server/proxy-server', address: say.dial.address, request: 'exec-1' };
    const [, end] = backstop;
    const over: EventBody[] = [{ kind: 'dial.failed', ...bare, code: 'DIAL_TIMEOUT' }, ...(end ? [end] : [])];
    const started: EventBody = { kind: 'dial.started', ...bare };
    expect(causesOf(...ready, say.began, started, say.passed, ...over)).toEqual(['agent-silent']);
    const other: EventBody = { ...say.passed, dialId: '78' };
    expect(causesOf(...ready, say.began, started, say.passed, other, ...over)).toEqual([]);
  });

  it('and a dial that its caller gave up has no leg to blame', () => {
    const events = [...ready, ...asked, say.passed, ...dialFailed('DIAL_CANCELLED', 'dial timeout, context')];
    expect(causesOf(...events)).toEqual(['caller-left']);
  });
});

describe('"No agent available" is explained', () => {
  it('by a stream that ended, also if the agent itself does not report', () => {
    const events = [say.serverStarted, say.backend, say.backendLost, ...asked, ...nobody];
    const told = explainRequest(journal(...events));
    expect(told.causes).toMatchObject([{ cause: 'agent-left', evidence: [3, 6] }]);
    expect(told.causes[0]?.why).toBe('The stream of agent/node-1 ended 30 ms earlier: EOF.');
  });

  it('by a token that the server refused', () => {
    const refused: EventBody = {
      kind: 'peer.refused',
      node: server,
      peer: agent,
      error: 'token has expired',
    };
    expect(causesOf(say.serverStarted, say.connecting, refused, ...asked, ...nobody)).toEqual([
      'agent-token',
    ]);
  });

  it('by nothing when the journal began after the parts, and then it says what it knows', () => {
    const told = explainRequest(journal(...asked, ...nobody));
    expect(told).toMatchObject({ causes: [], saidBy: server });
    expect(told.known).toEqual([expect.stringContaining('server/server-1 held 0 agents')]);
    expect(told.missing.some((line) => line.startsWith('wrong-count: '))).toBe(true);
  });

  it('not by an agent of another node that is gone, when none claimed the address', () => {
    const identifiers = 'ipv4=10.0.1.12';
    const other: EventBody = { kind: 'backend.connected', node: server, peer: 'agent/node-2', identifiers };
    const third: EventBody = { ...other, peer: 'agent/node-3', identifiers: 'ipv4=10.0.1.13' };
    const lost: EventBody = { kind: 'backend.disconnected', node: server, peer: 'agent/node-3' };
    expect(causesOf(say.serverStarted, other, third, lost, ...asked, ...nobody)).toEqual(['no-candidate']);
  });
});

describe('a cut connection is explained', () => {
  const killed: EventBody = { kind: 'role.killed', node: agent };

  it('also when its user was not told: the request finished', () => {
    const cut = [killed, closed(server, { reason: 'agent_lost' }), say.backendLost, say.finished];
    const told = explainRequest(journal(...ready, ...opened, say.atKubelet, ...cut));
    expect(told).toMatchObject({ outcome: 'finished', line: '', causes: [{ cause: 'agent-lost' }] });
    expect(told.text).toContain('the user saw   no error');
  });

  it.each([
    [
      'a frontend that ended',
      'frontend-lost',
      [{ kind: 'role.killed', node: client }, closed(server, { reason: 'frontend_lost' })],
    ],
    ['a reader that stalled', 'reader-stalled', [closed(server, { reason: 'frontend_stalled' })]],
    ['an ID that was used twice', 'id-collision', [closed(server, { reason: 'reused_id' })]],
    [
      'an end that had forgotten it',
      'stale-connection',
      [{ kind: 'connection.stale', node: server, peer: agent, connectId: '1' }, closed(server, {})],
    ],
    [
      'an endpoint that closed while its kubelet was serving',
      'endpoint-lost',
      [
        say.atKubelet,
        { kind: 'endpoint.closed', node: agent, peer: server, dialId: '77', reason: 'endpoint' },
      ],
    ],
  ] as readonly [string, string, readonly EventBody[]][])('by %s', (_what, cause, end) => {
    expect(causesOf(...ready, ...opened, ...end, failed('tunnel closed'))).toEqual([cause]);
  });

  it('not by an agent that was lost after the request had finished', () => {
    const events = [...ready, ...opened, say.finished, closed(server, { reason: 'agent_lost' })];
    expect(causesOf(...events)).toEqual([]);
  });
});

describe('behind a cause', () => {
  const flow = {
    node: 'middlebox/servers',
    flow: '3',
    peer: '127.0.0.1:5001',
    address: '127.0.0.1:9',
  } as const;
  const forgotten: EventBody = { kind: 'flow.forgotten', ...flow, verdict: 'drop', idleMs: 60_000 };
  const silent = [...asked, say.passed, ...backstop];

  it('is the middlebox that forgot the agent’s flow, and no other flow', () => {
    const told = explainRequest(journal(...ready, forgotten, ...silent));
    expect(told.causes.map(({ cause }) => cause)).toEqual(['agent-silent', 'flow-forgotten']);
    expect(told.causes[1]?.why).toContain('after 60 s without bytes');
    expect(causesOf(...ready, { ...forgotten, verdict: 'reset' }, ...silent)).toContain('flow-cut');
    const other: EventBody = { ...forgotten, peer: '127.0.0.1:5002' };
    expect(causesOf(...ready, other, ...silent)).toEqual(['agent-silent']);
  });

  /** An event of a fault or a flow with the name of its link, as links report them. */
  const linked = (kind: string, link: string): EventBody =>
    ({ kind, node: 'lab/lab', fault: 'fault-1', flow: '4', link, verdict: 'drop' }) as unknown as EventBody;
  const link = `${agent} → ${server}`;

  it('is the flow that its link gave up', () => {
    expect(causesOf(...ready, linked('flow.forgotten', link), ...silent)).toEqual([
      'agent-silent',
      'flow-forgotten',
    ]);
    const ofOther = linked('flow.forgotten', `agent/node-11 → ${server}`);
    expect(causesOf(...ready, ofOther, ...silent)).toEqual(['agent-silent']);
  });

  it('is the fault that hit a link of the request, which has not worked since', () => {
    const hit = linked('fault.hit', link);
    const both = ['agent-silent', 'fault-hit'];
    expect(causesOf(...ready, hit, ...silent)).toEqual(both);
    expect(causesOf(...ready, ...asked, say.passed, hit, ...backstop)).toEqual(both);
    expect(causesOf(...ready, hit, linked('fault.healed', link), ...silent)).toEqual(['agent-silent']);
    const again: EventBody = { ...say.answered, dialId: '76' };
    expect(causesOf(...ready, hit, again, ...silent)).toEqual(['agent-silent']);
    expect(causesOf(...ready, hit, say.connected, ...silent)).toEqual(['agent-silent']);
  });

  it('is the fault of a part at an end of the way', () => {
    const hitAt = (part: string): EventBody =>
      ({ kind: 'fault.hit', node: 'lab/lab', fault: 'fault-1', part }) as unknown as EventBody;
    expect(causesOf(...ready, hitAt(server), ...silent)).toEqual(['agent-silent', 'fault-hit']);
    expect(causesOf(...ready, hitAt('agent/node-11'), ...silent)).toEqual(['agent-silent']);
    expect(causesOf(hitAt(agent), ...ready, say.connected, ...silent)).toEqual(['agent-silent']);
  });

  it('is the fault of the way to the kubelet, if it hit during the dial', () => {
    const hit = linked('fault.hit', `${agent} → ${kubelet}`);
    const dialling = [...asked, say.passed, say.dialing];
    expect(causesOf(...ready, ...dialling, hit, ...backstop)).toEqual(['endpoint-silent', 'fault-hit']);
    expect(causesOf(...ready, hit, ...dialling, ...backstop)).toEqual(['endpoint-silent']);
  });
});

describe('a kubelet’s failure', () => {
  it('is its own while its connection is open, and not when it lost it', () => {
    const refusal: EventBody = { kind: 'request.failed', node: kubelet, request: 'exec-1', status: 404 };
    expect(causesOf(...ready, ...opened, refusal, failed('not found'))).toEqual(['kubelet-not-found']);
    const killed: EventBody = { kind: 'role.killed', node: kubelet };
    const end: EventBody = {
      kind: 'endpoint.closed',
      node: agent,
      peer: server,
      dialId: '77',
      reason: 'endpoint',
    };
    const lost = [say.atKubelet, killed, { ...refusal, status: 101 }, end] as const;
    expect(causesOf(...ready, ...opened, ...lost, failed('tunnel closed'))).toEqual(['endpoint-lost']);
  });
});

describe('the causes', () => {
  const causes = families.flatMap((family) => family.causes);

  it('have a name each', () => {
    expect(new Set(causes.map(({ name }) => name)).size).toBe(causes.length);
  });

  it('are all in docs/explain.md, with the texts of the code, under the names of their families', () => {
    const text = readFileSync(new URL('../../../../docs/explain.md', import.meta.url), 'utf8');
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const { name } of families) expect(text).toContain(`### ${name}\n`);
    for (const { name, faults, means, proof, hint } of causes) {
      expect(rows).toContainEqual(['', `\`${name}\``, faults, means, proof, hint, '']);
    }
    expect(rows.filter(([, cell]) => /^`[a-z-]+`$/.test(cell ?? ''))).toHaveLength(causes.length);
  });
});
