import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { DropinBench } from '../support/dropin.js';
import { eventually, once, soon } from '../support/waits.js';

const host = '127.0.0.1';
/** A name that no resolver knows, and that the server's certificate has. */
const serverName = 'proxy-server';

/** An HTTP proxy: what it was asked, and how it answers. */
class Proxy {
  readonly heads: string[] = [];
  connections = 0;
  answer = 'HTTP/1.1 200 Connection established\r\n\r\n';
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly targetPort: number;

  constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.server = createServer((socket) => this.serve(socket));
  }

  async start(): Promise<string> {
    await soon<void>((resolve) => this.server.listen(0, host, resolve), 'listening proxy');
    return `http://me:se@cret@${host}:${(this.server.address() as { port: number }).port}`;
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return soon((resolve) => this.server.close(() => resolve()), 'end of the proxy');
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (head: Buffer) => {
      this.heads.push(head.toString());
      if (!this.answer.includes(' 200 ')) return void socket.end(this.answer);
      const target = connect(this.targetPort, host);
      this.sockets.add(target);
      target.on('error', () => socket.destroy());
      target.on('connect', () => {
        socket.write(this.answer);
        socket.pipe(target).pipe(socket);
      });
    });
  }
}

let bench: DropinBench;
let proxy: Proxy;
let url: string;

beforeEach(async () => {
  bench = await DropinBench.open([serverName]);
  proxy = new Proxy(bench.ports.agents);
  url = await proxy.start();
});
afterEach(async () => {
  await proxy.close();
  await bench.close();
});

describe('proxy-agent with HTTPS_PROXY', () => {
  const agentFlags = () => bench.agentFlags({ 'proxy-server-host': serverName });

  it('asks the proxy for the server by its name, and dials endpoints directly', async () => {
    const server = bench.start('proxy-server', bench.serverFlags());
    await server.waitFor(/role\.started/);
    const agent = bench.start('proxy-agent', agentFlags(), { HTTPS_PROXY: url, NO_PROXY: 'other' });
    await agent.waitFor(new RegExp(`Proxy detected: ${serverName}:${bench.ports.agents} is dialled through`));
    await agent.waitFor(/agent\.connected/);
    const target = `${serverName}:${bench.ports.agents}`;
    const credentials = `Basic ${btoa('me:se@cret')}`;
    expect(proxy.heads).toEqual([
      `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nUser-Agent: konnectivity-sim\r\nProxy-Authorization: ${credentials}\r\n\r\n`,
    ]);
    expect(agent.output()).not.toContain('cret');
    const client = new TunnelClient({
      ...{ name: 'client/test', serverName: 'server/s1', address: `unix://${bench.socket}` },
      ...{ clock: createRealClock(), random: createRandom(1), emit: ignoreEvents },
    });
    try {
      const stream = await client.dial(host, bench.endpointPort);
      stream.write('hello');
      expect(String((await once(stream, 'data'))[0])).toBe('hello');
      stream.destroy();
    } finally {
      await client.close();
    }
    expect(proxy.heads).toHaveLength(1);
  });

  it.each([
    [
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
      /failed to do connect handshake, response: .{1,4}HTTP\/1\.1 403 Forbidden/,
    ],
    ['SSH-2.0-x\r\n\r\n', /reading server HTTP response: malformed HTTP response .{1,4}SSH-2\.0-x/],
    ['HTTP/1.1 2', /reading server HTTP response: unexpected EOF/],
  ])('says what the proxy has answered: %j', async (answer, text) => {
    proxy.answer = answer.replace(' 200 ', '');
    const agent = bench.start('proxy-agent', agentFlags(), { https_proxy: url });
    await agent.waitFor(text);
  });

  it('is asked once by each attempt', async () => {
    proxy.answer = 'HTTP/1.1 403 Forbidden\r\n\r\n';
    bench.start('proxy-agent', agentFlags(), { HTTPS_PROXY: url });
    await eventually(() => expect(proxy.heads.length).toBe(8));
    expect(proxy.connections).toBe(8);
  });

  it('does not start when the proxy could not be dialled, and does not show its password', async () => {
    const bad = bench.start('proxy-agent', agentFlags(), { HTTPS_PROXY: `${url}/se/cret@x` });
    expect((await bad.finished()).code).toBe(1);
    expect(bad.output()).toContain('HTTPS_PROXY does not name a proxy that could be dialled');
    expect(bad.output()).not.toContain('cret');
  });

  it('uses none for the loopback', async () => {
    const server = bench.start('proxy-server', bench.serverFlags());
    await server.waitFor(/role\.started/);
    const local = bench.start('proxy-agent', bench.agentFlags(), { HTTPS_PROXY: url });
    await local.waitFor(/agent\.connected/);
    expect(proxy.heads).toEqual([]);
  });
});
