import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainRequest, readRecording, startLab } from '../../src/index.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { waitMs } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let path: string;
let told: string;

beforeAll(async () => {
  folder = await scratchFolder();
  path = join(folder.path, 'lab.ndjson');
  const lab = await startLab({ nodes: 1, seed: 5, record: path });
  try {
    await lab.exec('web-1', ['true']);
    const since = lab.mark();
    await lab.part('agent/node-1').kill();
    await lab.waitFor({ kind: 'backend.disconnected' }, { since, withinMs: waitMs });
    await lab.exec('web-1', ['true']).catch(() => undefined);
    told = lab.explain().text;
  } finally {
    await lab.stop();
  }
});
afterAll(() => folder.remove());

describe('the recording of a lab', () => {
  it('has every event to the last, and explains as the living lab did', async () => {
    const { events, seed, truncated } = await readRecording(path);
    expect({ seed, truncated }).toEqual({ seed: 5, truncated: false });
    expect(events.at(-1)).toMatchObject({ kind: 'lab.stopped' });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    expect(explainRequest(events).text).toBe(told);
  });

  it('is explained by konnsim explain, whole or one request, as text or JSON', async () => {
    const at = { cwd: folder.path };
    expect(await konnsim(['explain', path], at)).toEqual({ code: 0, stdout: `${told}\n`, stderr: '' });
    const { stdout } = await konnsim(['explain', path, 'exec-2', '--output', 'json'], at);
    expect(JSON.parse(stdout)).toMatchObject({ request: 'exec-2', causes: [{ cause: 'agent-dead' }] });
    expect((await konnsim(['explain', path, 'exec-1'], at)).stdout).toContain('It did not fail.');
  });

  it('is written by konnsim up --record, until the lab has stopped', async () => {
    const up = new Konnsim(['up', '--nodes', '1', '--record', 'up.ndjson'], { cwd: folder.path });
    await up.waitFor(/Ctrl-C/);
    expect((await up.stop()).code).toBe(130);
    const { events } = await readRecording(join(folder.path, 'up.ndjson'));
    expect(events.map(({ kind }) => kind)).toContain('lab.ready');
    expect(events.at(-1)).toMatchObject({ kind: 'lab.stopped' });
  });

  it('is refused with a code when it is another file, or has no such request', async () => {
    const at = { cwd: folder.path };
    const program = join(import.meta.dirname, '../../package.json');
    const other = await konnsim(['explain', program], at);
    expect(other.stderr).toMatch(/^error: .+ is not a recording: .+ \[RECORDING_INVALID\]\nhint: /);
    expect(other.code).toBe(2);
    const unknown = await konnsim(['explain', path, 'exec-9'], at);
    expect(unknown.stderr).toMatch(/the last ones are .*exec-1, exec-2 \[REQUEST_NOT_FOUND\]/);
  });
});

describe('konnsim events --output recording', () => {
  it('makes a recording of the events of roles in their own processes', async () => {
    const at = { cwd: folder.path };
    expect((await konnsim(['certs', '--out', 'certs'], at)).code).toBe(0);
    const listens = [
      '--uds-name',
      'server.sock',
      '--agent-port',
      '0',
      '--health-port',
      '0',
      '--admin-port',
      '0',
    ];
    const server = new Konnsim(['server', '--certs', 'certs', ...listens], at);
    const [, admin = ''] = await server.waitFor(/^admin (\S+)$/m);
    const { code, stdout } = await konnsim(['events', '--output', 'recording', admin], at);
    expect(code).toBe(0);
    await server.stop();
    const file = join(folder.path, 'roles.ndjson');
    await writeFile(file, stdout);
    const read = await readRecording(file);
    expect(read.events[0]).toMatchObject({
      kind: 'role.started',
      node: expect.stringMatching(/^server\//),
      seq: 1,
      t: 0,
    });
    expect(read).not.toHaveProperty('seed');
  });
});
