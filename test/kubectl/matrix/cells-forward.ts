import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';
import { type Cell, type CellBench, sha256 } from './cell.js';

async function withForward(
  { kubectl }: CellBench,
  ports: readonly [target: string, port: number],
  use: (port: number) => Promise<void>,
): Promise<void> {
  const [target, remotePort] = ports;
  const forward = kubectl.start(['port-forward', target, `:${remotePort}`], { timeoutMs: 60_000 });
  const [, port] = await forward.waitFor(/^Forwarding from 127\.0\.0\.1:(\d+) -> /m);
  await use(Number(port));
  await forward.stop();
}

/** 1 MiB each way on each of three connections at once, every byte checked; ends with the half-close. */
async function echo(port: number): Promise<void> {
  const all = Array.from({ length: 3 }, () => randomBytes(1024 * 1024));
  const echoes = await Promise.all(
    all.map((bytes) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      let received = 0;
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received >= bytes.length) socket.end();
      });
      socket.write(bytes);
      return buffer(socket);
    }),
  );
  expect(echoes.map(sha256)).toEqual(all.map(sha256));
}

async function fetchPage(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toMatch(/^pod: web-[12]$/m);
}

const shared = { stream: 'portforward', coveredBy: 'port-forward.test.ts' } as const;

const pod: Cell = {
  ...shared,
  name: 'port-forward pod',
  run: (bench) => withForward(bench, ['echo', 7], echo),
};
const service: Cell = {
  ...shared,
  name: 'port-forward svc',
  run: (bench) => withForward(bench, ['svc/echo', 7], echo),
};
const deployment: Cell = {
  ...shared,
  name: 'port-forward deploy',
  run: (bench) => withForward(bench, ['deploy/web', 8080], fetchPage),
};

const proxy: Cell = {
  name: 'proxy',
  async run({ kubectl }) {
    const serving = kubectl.start(['proxy', '--port=0']);
    const [, port] = await serving.waitFor(/Starting to serve on 127\.0\.0\.1:(\d+)/);
    const pods = `http://127.0.0.1:${port}/api/v1/namespaces/default/pods`;
    const ask = (path: string): Promise<Response> => fetch(path, { headers: { connection: 'close' } });
    expect(await (await ask(`${pods}/web-1`)).json()).toMatchObject({ kind: 'Pod' });
    expect(await (await ask(`${pods}/counter/log?tailLines=1`)).text()).toMatch(/^\d+: \S+ tick\n$/);
    expect((await ask(`${pods}/zap`)).status).toBe(404);
    await serving.stop();
  },
};

export const forwardCells: readonly Cell[] = [pod, service, deployment, proxy];
