import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { once } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let target: Server;
let port: number;

beforeAll(async () => {
  folder = await scratchFolder();
  target = createServer((socket) => void socket.on('error', () => undefined).pipe(socket)).listen(
    0,
    '127.0.0.1',
  );
  await once(target, 'listening');
  port = (target.address() as AddressInfo).port;
});

afterAll(async () => {
  target.close();
  await folder.remove();
});

const anyPorts = ['--listen', '127.0.0.1:0', '--health-port', '0'];

describe('konnsim middlebox', () => {
  it('carries flows, prints a line for each that it forgets, and counts them', async () => {
    const device = new Konnsim(
      [
        'middlebox',
        ...anyPorts,
        '--to',
        `127.0.0.1:${port}`,
        '--idle-timeout',
        '200ms',
        '--on-idle',
        'reset',
      ],
      { cwd: folder.path },
    );
    const [, flows] = await device.waitFor(/^flows 127\.0\.0\.1:(\d+) → 127\.0\.0\.1:\d+$/m);
    const [, health] = await device.waitFor(/^health 127\.0\.0\.1:(\d+)$/m);
    const socket = connect(Number(flows), '127.0.0.1');
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await device.waitFor(/flow\.forgotten {2}both ends are told {2}flow=1 .*verdict=reset/);
    await device.waitFor(/flow\.closed .*clientBytes=5 {2}targetBytes=5 {2}lostBytes=0/);
    const metrics = await (await fetch(`http://127.0.0.1:${health}/metrics`)).text();
    expect(metrics).toContain('konnsim_middlebox_forgotten_flows_total{verdict="reset"} 1');
    expect(metrics).toContain('konnsim_middlebox_bytes_total{from="client"} 5');
    expect((await device.stop('SIGTERM')).code).toBe(143);
  });

  it('says what is wrong with its flags', async () => {
    const cwd = folder.path;
    const unpaired = await konnsim(['middlebox', ...anyPorts, '--to', '127.0.0.1:1', '--to', '127.0.0.1:2'], {
      cwd,
    });
    expect([unpaired.code, unpaired.stderr]).toEqual([
      2,
      'error: there are 1 --listen, but 2 --to [USAGE]\nhint: Give each --listen its --to, in the same order.\n',
    ]);
    const nowhere = await konnsim(['middlebox', ...anyPorts, '--to', 'nowhere'], { cwd });
    expect(nowhere.stderr).toContain('It must be HOST:PORT.');
    const maybe = await konnsim(['middlebox', ...anyPorts, '--to', 'a:1', '--on-idle', 'perhaps'], { cwd });
    expect(maybe.stderr).toContain('Allowed choices are drop, reset, fin.');
  });
});

describe('faults on the command line', () => {
  it('are presets, documents, and files of them', async () => {
    const file = join(folder.path, 'faults.yaml');
    await writeFile(
      file,
      '- { id: cut, when: { afterBytes: 3 }, direction: toTarget, do: fin }\n---\nid: slow\ndo: { latency: { delay: 1ms } }\n',
    );
    const flags = [
      '--fault',
      'max-age-60s',
      '--fault',
      '{ id: small, do: { slice: { size: 1 } } }',
      '--faults',
      file,
    ];
    const device = new Konnsim(['middlebox', ...anyPorts, '--to', `127.0.0.1:${port}`, ...flags], {
      cwd: folder.path,
    });
    const [, flows] = await device.waitFor(/^flows 127\.0\.0\.1:(\d+) → 127\.0\.0\.1:\d+$/m);
    for (const fault of [
      'fault=fault-1  action=reset',
      'fault=small  action=slice',
      'fault=cut  action=fin',
      'fault=slow',
    ])
      await device.waitFor(new RegExp(`fault\\.set .*${fault}`));
    const socket = connect(Number(flows), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('hello');
    await device.waitFor(/fault\.hit .*fault=cut .*link="client\/127\.0\.0\.1 → target\/127\.0\.0\.1:\d+"/);
    socket.destroy();
    expect((await device.stop('SIGTERM')).code).toBe(143);
  });

  it('say what is wrong with them, before anything starts', async () => {
    const cwd = folder.path;
    const file = join(folder.path, 'wrong.yaml');
    await writeFile(file, '- { do: reset }\n- { do: explode }\n');
    const flags = ['middlebox', ...anyPorts, '--to', '127.0.0.1:1'];
    const wrong = await konnsim([...flags, '--faults', file], { cwd });
    expect(wrong.stderr).toMatch(
      /wrong\.yaml, fault 2: fault: do: "explode" is no fault; there are latency, /,
    );
    const lost = await konnsim([...flags, '--fault', '{ on: { to: server/1 }, do: reset }'], { cwd });
    expect(lost.stderr).toContain('no link * → server/1; there are client/* → target/127.0.0.1:1');
    const none = await konnsim([...flags, '--faults', 'nowhere.yaml'], { cwd });
    expect(none.stderr).toContain('nowhere.yaml');
    const preset = await konnsim(['up', '--fault', 'idle-61s'], { cwd });
    expect(preset).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no preset is called idle-61s'),
    });
    const yaml = await konnsim(['up', '--fault', '{ do: '], { cwd });
    expect(yaml).toMatchObject({ code: 2, stderr: expect.stringContaining('--fault is no YAML') });
  });
});
