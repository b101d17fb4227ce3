import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endsWithTest } from '../support/children.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { once } from '../support/waits.js';

const proxyServer = fileURLToPath(new URL('../../bin/proxy-server', import.meta.url));

describe('a start that waits for a pipe', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  let writer: ChildProcess | undefined;
  beforeEach(async () => {
    folder = await scratchFolder();
    await konnsim(['certs', '--out', 'certs'], { cwd: folder.path });
    execFileSync('mkfifo', [join(folder.path, 'fifo')]);
  });
  afterEach(async () => {
    writer?.kill('SIGKILL');
    await folder.remove();
  });

  /** Resolves when the program has opened the pipe, which stays open and brings nothing. */
  async function opened(): Promise<void> {
    const options = { cwd: folder.path, stdio: ['ignore', 'pipe', 'ignore'] as const };
    writer = endsWithTest(
      spawn('sh', ['-c', 'exec 3>fifo; echo open; exec sleep 1000'], {
        ...options,
        stdio: [...options.stdio],
      }),
    );
    if (writer.stdout !== null) await once(writer.stdout, 'data');
  }

  it.each([
    ['a kubeconfig', ['kubelet', '--certs', 'certs', '--port', '0', '--kubeconfig', 'fifo']],
    [
      'an egress configuration',
      ['apiserver', '--certs', 'certs', '--port', '0', '--egress-selector-config-file', 'fifo'],
    ],
  ])('of %s ends with SIGTERM, and not with an error', async (_what, args) => {
    const role = new Konnsim(args, { cwd: folder.path });
    await opened();
    expect(await role.stop('SIGTERM')).toEqual({ code: 143, stdout: '', stderr: '' });
  });

  it('of the drop-in ends with SIGTERM, too', async () => {
    const args = ['--enable-lease-controller', '--kubeconfig=fifo', '--uds-name=s.sock', '--server-port=0'];
    const server = new Konnsim(args, { cwd: folder.path, program: proxyServer });
    await opened();
    const { code, stderr } = await server.stop('SIGTERM');
    expect(stderr).toMatch(/fifo: was not read to its end: interrupted.*\[FILE_UNREADABLE\]/);
    expect(code).toBe(1);
  });
});
