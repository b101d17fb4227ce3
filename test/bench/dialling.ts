import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { createRealClock } from '../../src/core/clock.js';
import { createRandom } from '../../src/core/random.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import type { TunnelWay, Way } from './requests.js';
import { host } from './sockets.js';
import { recording } from './watch.js';

export type Dial = () => Promise<Duplex>;

/** So many dials are under way at once when many connections are opened. */
const dialsAtOnce = 50;

/** `singleUse`: see `CellRequest`. */
export function createDial(way: Way, singleUse: boolean): Dial {
  if (way.kind === 'tcp') return () => dialTcp(way.port);
  const client = createClient(way, singleUse);
  const { endpoint } = way;
  return () => client.dial(endpoint.host, endpoint.port);
}

function createClient(
  { address, flowControl = false, watching = 'nothing' }: TunnelWay,
  singleUse: boolean,
): TunnelClient {
  const clock = createRealClock();
  return new TunnelClient({
    ...{ address, clock, random: createRandom(process.pid), singleUse, flowControl },
    ...{ ...recording(watching, clock), name: 'client/bench', serverName: 'server/bench' },
  });
}

function dialTcp(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Opens many connections, some at a time. Their errors are ignored: what is measured shows them. */
export async function openMany(dial: Dial, count: number): Promise<Duplex[]> {
  const streams: Duplex[] = [];
  let left = count;
  const some = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const stream = await dial();
      stream.on('error', () => undefined);
      streams.push(stream);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, dialsAtOnce) }, some));
  return streams;
}
