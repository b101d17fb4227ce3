import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { listenError, TunnelError } from '../../src/core/errors.js';
import { endsWithTest } from '../support/children.js';
import { konnsimProgram, scratchFolder } from '../support/konnsim.js';
import { each, once, soon } from '../support/waits.js';

const agentProgram = fileURLToPath(new URL('../../bin/proxy-agent', import.meta.url));
const closes: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

/** A program of `bin` that may open so many files. */
async function limited(limit: number, program: string, args: readonly string[]) {
  const folder = await scratchFolder();
  closes.push(() => folder.remove());
  const script = `ulimit -n ${limit}; exec "$0" "$@"`;
  const child = endsWithTest(
    spawn('sh', ['-c', script, process.execPath, program, ...args], { cwd: folder.path }),
  );
  return child;
}

describe('with too low a limit of open files', () => {
  it.each<[string, string, number?]>([
    ['up', konnsimProgram],
    ['kubelet', konnsimProgram],
    ['apiserver', konnsimProgram],
    ['server', konnsimProgram, 40],
    ['agent', konnsimProgram, 40],
    ['', agentProgram],
  ])('konnsim %s says which limit it is and how much is needed', async (command, program, limit = 64) => {
    const child = await limited(limit, program, command === '' ? [] : [command]);
    const exit = once(child, 'exit');
    const told = await text(child.stderr);
    expect((await exit)[0]).toBe(1);
    expect(told).toContain(
      `the limit of this process is ${limit} open files and sockets, and 512 or more are needed to start: `,
    );
    expect(told).toContain(
      '[TOO_MANY_OPEN_FILES]\nhint: Raise the limit of open files and sockets: `ulimit -n',
    );
    expect(told).not.toContain('bug');
  });
});

it('a program that runs out of sockets while it runs serves again when some are closed', async () => {
  const routes = ['--listen', '127.0.0.1:0', '--to', '127.0.0.1:1', '--health-port', '0'];
  const child = await limited(150, konnsimProgram, ['middlebox', ...routes]);
  let said = '';
  let port = 0;
  for await (const chunk of each(child.stdout, 'line of the program')) {
    said += String(chunk);
    port = Number(/^health 127\.0\.0\.1:(\d+)$/m.exec(said)?.[1] ?? 0);
    if (port !== 0) break;
  }
  const sockets: Socket[] = Array.from({ length: 300 }, () => connect(port, '127.0.0.1'));
  closes.push(() => sockets.forEach((socket) => void socket.destroy()));
  const refused = soon<void>((resolve) => {
    for (const socket of sockets) socket.on('error', () => undefined).once('close', () => resolve());
    for (const socket of sockets) socket.resume();
  }, 'refusal');
  await refused;
  expect(child.exitCode).toBeNull();
  for (const socket of sockets) socket.destroy();
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  expect(child.exitCode).toBeNull();
});

it.each(['EMFILE', 'ENFILE'])('%s is the same error wherever it is met', (code) => {
  const cause = Object.assign(new Error(`listen ${code}`), { code });
  expect(listenError(cause, '127.0.0.1:1', 'kubelet').code).toBe('TOO_MANY_OPEN_FILES');
  expect(TunnelError.from(cause, 'CERT_INVALID').code).toBe('TOO_MANY_OPEN_FILES');
  expect(TunnelError.from(cause).audience).toBe('user');
});
