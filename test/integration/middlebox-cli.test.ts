import { type AddressInfo, connect, createServer, type Server } from 'node:net';
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
    expect(maybe.stderr).toContain('Allowed choices are drop, reset.');
  });
});
