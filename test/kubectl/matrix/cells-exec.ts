import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { type Cell, sha256, succeed, useShell } from './cell.js';

const exec: Cell = {
  name: 'exec',
  stream: 'exec',
  coveredBy: 'exec.test.ts',
  async run({ kubectl }) {
    const ran = await kubectl.run(['exec', 'web-1', '--', 'sh', '-c', 'echo out; echo err >&2']);
    expect(ran).toMatchObject({ stdout: 'out\n', stderr: 'err\n', code: 0 });
  },
};

const exitCode: Cell = {
  name: 'exec exit code',
  stream: 'exec',
  coveredBy: 'exec.test.ts',
  async run({ kubectl }) {
    for (const code of [1, 3, 255]) {
      const ran = await kubectl.run(['exec', 'web-1', '--', 'sh', '-c', `exit ${code}`]);
      expect(ran).toMatchObject({ code, stderr: `command terminated with exit code ${code}\n` });
    }
  },
};

const stdin: Cell = {
  name: 'exec stdin 20 MiB',
  stream: 'exec',
  coveredBy: 'exec.test.ts',
  async run(bench) {
    const bytes = randomBytes(20 * 1024 * 1024);
    const args = ['exec', '-i', 'web-1', '--', 'cat'];
    const stdout = await succeed(bench, args, { stdin: bytes, encoding: 'latin1' });
    expect(sha256(Buffer.from(stdout, 'latin1'))).toBe(sha256(bytes));
  },
};

const terminal: Cell = {
  name: 'exec -it',
  stream: 'exec',
  coveredBy: 'exec.test.ts',
  async run({ kubectl }) {
    const shell = kubectl.start(['exec', '-it', 'shell', '--', 'sh'], { terminal: true, timeoutMs: 60_000 });
    await useShell(shell);
    shell.child.stdin.write('exit 7\n');
    expect(await shell.result).toMatchObject({ code: 7 });
  },
};

const attach: Cell = {
  name: 'attach',
  stream: 'attach',
  coveredBy: 'exec.test.ts',
  async run({ kubectl, cluster }) {
    const attached = kubectl.start(['attach', 'counter']);
    await attached.waitFor(/(\d+: \S+ tick\n){2}/);
    await attached.stop();
    // As with kube-apiserver, a WebSocket's connection to the kubelet stays until the container ends.
    cluster.lab.restartContainer('counter');
  },
};

const attachTerminal: Cell = {
  name: 'attach -it',
  stream: 'attach',
  async run({ kubectl }) {
    const attached = kubectl.start(['attach', '-it', 'shell'], { terminal: true, timeoutMs: 60_000 });
    await useShell(attached);
    // Hangs up: the shell stays for the next.
    await attached.stop('SIGTERM');
  },
};

export const execCells: readonly Cell[] = [exec, exitCode, stdin, terminal, attach, attachTerminal];
