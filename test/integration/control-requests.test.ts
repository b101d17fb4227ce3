import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Part } from '../../src/control/contract.js';
import type { RequestView } from '../../src/control/requests-contract.js';
import { type ControlBench, startControlBench } from '../support/control-bench.js';
import { eventually } from '../support/waits.js';

let bench: ControlBench;

beforeAll(async () => {
  bench = await startControlBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const send = async <T>(path: string, body: unknown = {}): Promise<T> =>
  (await bench.ask('POST', path, { body })).json as T;
const request = (body: unknown): Promise<RequestView> => send<RequestView>('/v1/requests', body);

describe('requests of a user', () => {
  it('have their output, bounded, and their exit code', async () => {
    const script = 'cat; echo oops >&2; exit 7';
    const order = { verb: 'exec', pod: 'shell', command: ['sh', '-c', script], stdin: 'in' };
    expect(await request(order)).toMatchObject({
      state: 'finished',
      exitCode: 7,
      stdout: 'in',
      stderr: 'oops\n',
    });
    const long = await request({
      verb: 'exec',
      pod: 'shell',
      command: ['head', '-c', '200000', '/dev/zero'],
    });
    expect([long.state, long.truncated, long.stdout?.length]).toEqual(['finished', true, 65_536]);
    const logs = await request({ verb: 'logs', pod: 'web-1', tailLines: 1 });
    expect([logs.state, logs.stdout]).toEqual(['finished', 'listening on :8080\n']);
  });

  it('go through a port-forward, and say why that failed', async () => {
    const open = await request({ verb: 'port-forward', pod: 'web-1', port: 8080 });
    expect([open.state, open.stdout]).toEqual(['finished', expect.stringContaining('pod: web-1')]);
    const closed = await request({ verb: 'port-forward', pod: 'web-1', port: 81 });
    expect(closed).toMatchObject({ state: 'failed', code: 'PORT_CLOSED' });
  });

  it('go on when they take long, and are asked for by their name', async () => {
    const order = { verb: 'exec', pod: 'shell', command: ['sleep', '1'], waitMs: 0 };
    const answer = await bench.ask('POST', '/v1/requests', { body: order });
    const { id, state } = answer.json as RequestView;
    expect([answer.status, state]).toEqual([202, 'running']);
    await eventually(async () => {
      expect((await bench.ask('GET', `/v1/requests/${id}`)).json).toMatchObject({
        id,
        state: 'finished',
        exitCode: 0,
      });
    });
  });

  it('are refused before anything is dialled when there is no such pod', async () => {
    const answer = await bench.ask('POST', '/v1/requests', { body: { verb: 'logs', pod: 'nobody' } });
    expect([answer.status, answer.json]).toEqual([404, expect.objectContaining({ code: 'POD_NOT_FOUND' })]);
  });

  it('show what a fault does, why, and that it is healed', async () => {
    const exec = { verb: 'exec', pod: 'web-1', command: ['hostname'] };
    await send('/v1/faults', { id: 'down', on: { part: 'agent/1' }, do: 'kill' });
    const failed = await request(exec);
    expect(failed).toMatchObject({ state: 'failed', error: 'No agent available', code: 'NO_AGENT' });
    const why = (await bench.ask('GET', `/v1/requests/${failed.id}/explain`)).json;
    const causes = [{ cause: 'agent-dead' }, { cause: 'fault-hit' }];
    expect(why).toMatchObject({ outcome: 'failed', saidBy: 'server/server-1', causes });
    await send('/v1:reset');
    expect(await request(exec)).toMatchObject({ state: 'finished', stdout: 'web-1\n' });
  });
});

describe('parts', () => {
  it('restart over HTTP, and a reset brings back those that were killed, frozen or drained', async () => {
    const restarted = await send<{ seq: number; part: Part }>('/v1/parts/server/1:restart');
    expect(restarted.part).toMatchObject({ name: 'server/server-1', running: true });
    const killed = { kind: 'role.killed', node: 'server/server-1' };
    await send('/v1/events:wait', { event: killed, since: restarted.seq });
    await send('/v1/parts/agent/1:drain');
    await send('/v1/parts/kubelet/1:kill');
    await send('/v1/parts/apiserver/main:freeze');
    expect((await bench.ask('GET', '/readyz')).text).toContain('kubelet/node-1');
    const reset = await send<{ started: string[]; removed: string[] }>('/v1:reset');
    expect(reset).toMatchObject({
      started: ['agent/node-1', 'kubelet/node-1'],
      removed: ['frozen apiserver/main'],
    });
    expect((await bench.ask('GET', '/readyz')).status).toBe(200);
    const parts = (await bench.ask('GET', '/v1/parts')).json as Part[];
    expect(parts.every(({ running, frozen }) => running && !frozen)).toBe(true);
  });

  it('run commands of processes of this machine only for who has shown a token', async () => {
    const order = { verb: 'exec', pod: 'shell', command: ['true'] };
    await using processes = await startControlBench({ runtime: 'process' });
    expect((await processes.ask('POST', '/v1/requests', { body: order })).status).toBe(403);
  });
});
