import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { KubeletClient } from '../../src/lab/kubelet-client/kubelet-client.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';

/** A client of a proxy-server's Unix socket, in a process that has no other part. */
export function clientOf(socket: string): TunnelClient {
  return new TunnelClient({
    ...{ clock: createRealClock(), random: createRandom(1), emit: ignoreEvents },
    ...{ name: 'client/test', serverName: 'server/test', address: `unix://${socket}` },
  });
}

/** Asks a kubelet for its pods, through proxy-server and agent, as a frontend without kubectl does. Their names, in order. */
export async function podsThrough(
  socket: string,
  { certs, node }: { readonly certs: string; readonly node: string },
): Promise<string[]> {
  const read = (name: string): Promise<string> => readFile(join(certs, name), 'utf8');
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'apiserver-kubelet-client.crt', 'apiserver-kubelet-client.key'].map(read),
  );
  const dialer = clientOf(socket);
  const tls = { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
  const client = new KubeletClient({ dialer, host: node, port: 10_250, tls, clock: createRealClock() });
  try {
    return (await client.listPods()).map(({ name }) => name).sort();
  } finally {
    await client.close();
    await dialer.close();
  }
}
