import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { createNodeNetwork } from '../../../src/links/node-network.js';
import { once } from '../../support/waits.js';

let server: Server;
let real: { host: string; port: number };
beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  real = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
});
afterEach(() => void server.close());

describe('the node network', () => {
  it('connects a node address to its listener on the loopback', async () => {
    const network = createNodeNetwork();
    network.register('10.0.1.11', 10250, real);
    const socket = await network.connect('10.0.1.11', 10250);
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    expect(socket.remotePort).toBe(real.port);
    socket.destroy();
  });

  it('resolves node names, whatever their case', async () => {
    const network = createNodeNetwork();
    network.register('10.0.1.11', 10250, real);
    network.addName('node-1', '10.0.1.11');
    (await network.connect('Node-1.', 10250)).destroy();
    network.removeName('node-1');
    await expect(network.connect('node-1', 10250)).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: 'dial tcp: lookup node-1: no such host',
    });
  });

  it('names the DNS server in a failed look-up when it has one', async () => {
    const network = createNodeNetwork({ dnsServer: '10.96.0.10' });
    await expect(network.connect('db.example', 5432)).rejects.toThrow(
      'dial tcp: lookup db.example on 10.96.0.10:53: no such host',
    );
  });

  it('has no route to an unknown host, and refuses an unknown port of a known one', async () => {
    const network = createNodeNetwork();
    network.register('10.0.1.11', 10250, real);
    await expect(network.connect('10.0.1.12', 10250)).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: 'dial tcp 10.0.1.12:10250: connect: no route to host',
      where: 'endpoint 10.0.1.12:10250',
    });
    await expect(network.connect('10.0.1.11', 80)).rejects.toThrow(
      'dial tcp 10.0.1.11:80: connect: connection refused',
    );
  });

  it('names the node address, not the loopback, when the listener is gone', async () => {
    const network = createNodeNetwork();
    network.register('10.0.1.11', 10250, real);
    network.addName('node-1', '10.0.1.11');
    server.close();
    await once(server, 'close');
    await expect(network.connect('node-1', 10250, { where: 'agent node-1' })).rejects.toMatchObject({
      message: 'dial tcp 10.0.1.11:10250: connect: connection refused',
      where: 'agent node-1',
    });
  });

  it('forgets a host with its last endpoint', async () => {
    const network = createNodeNetwork();
    network.register('10.0.1.11', 10250, real);
    network.register('10.0.1.11', 80, real);
    network.unregister('10.0.1.11', 80);
    await expect(network.connect('10.0.1.11', 80)).rejects.toThrow('connection refused');
    network.unregister('10.0.1.11', 10250);
    await expect(network.connect('10.0.1.11', 80)).rejects.toThrow('no route to host');
    expect(network.endpoints()).toEqual([]);
  });

  it('a dial into silence waits exactly five seconds', async () => {
    const clock = new ManualClock();
    const network = createNodeNetwork({ clock });
    network.register('10.0.1.11', 10250, 'silence');
    let settled = false;
    const dial = network.connect('10.0.1.11', 10250).finally(() => {
      settled = true;
    });
    clock.advance(4999);
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    clock.advance(1);
    await expect(dial).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: 'dial tcp 10.0.1.11:10250: i/o timeout',
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('cancels a dial into silence when its caller does', async () => {
    const clock = new ManualClock();
    const network = createNodeNetwork({ clock });
    network.register('10.0.1.11', 10250, 'silence');
    const controller = new AbortController();
    const dial = network.connect('10.0.1.11', 10250, { signal: controller.signal });
    controller.abort();
    await expect(dial).rejects.toMatchObject({
      code: 'DIAL_CANCELLED',
      message: 'dial tcp 10.0.1.11:10250: operation was canceled',
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('knows an IPv6 address in every spelling', async () => {
    const network = createNodeNetwork();
    network.register('fd00:0:0::11', 10250, real);
    (await network.connect('FD00::0011', 10250)).destroy();
    await expect(network.connect('fd00::12%eth0', 1)).rejects.toThrow(
      'dial tcp [fd00::12%eth0]:1: connect: no route to host',
    );
  });

  it('dials addresses outside its ranges, and localhost, for real', async () => {
    const network = createNodeNetwork();
    for (const host of ['127.0.0.1', 'localhost']) (await network.connect(host, real.port)).destroy();
  });

  it('refuses addresses that it could never reach', () => {
    const network = createNodeNetwork({ ranges: ['10.1.0.0/16'] });
    expect(() => network.register('10.2.0.1', 80, real)).toThrow(
      '10.2.0.1 is not an address of the node network',
    );
    expect(() => network.register('10.1.0.1', -1, real)).toThrow('-1 is not a port');
    expect(() => network.addName('n', 'm')).toThrow('m is not an IP address');
    expect(() => createNodeNetwork({ ranges: ['10.0.0.0'] })).toThrow('10.0.0.0 is not an address range');
  });
});
