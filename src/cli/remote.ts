import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { ignoreEvents } from '../core/events.js';
import { createRandom } from '../core/random.js';
import { ClusterClient } from '../lab/cluster-client.js';
import { TunnelClient } from '../wire/tunnel-client.js';
import { LabFiles } from './lab-files.js';

/** A client of a lab that runs in another process. */
export interface RemoteLab {
  readonly cluster: ClusterClient;
  close(): Promise<void>;
}

/** Reads the lab's folder and prepares the way: Unix socket of the proxy-server, tunnel, kubelet. Dials nothing yet. */
export async function connectToLab(folder: string): Promise<RemoteLab> {
  const addresses = await new LabFiles(folder).read();
  const [ca, cert, key] = await Promise.all(
    [addresses.tls.ca, addresses.tls.cert, addresses.tls.key].map((path) =>
      readFile(path, 'utf8').catch((caught: unknown) => {
        throw TunnelError.from(caught, 'FILE_UNREADABLE', path);
      }),
    ),
  );
  const clock = createRealClock();
  const common = { clock, emit: ignoreEvents, name: 'client/konnsim' };
  const random = createRandom(randomInt(2 ** 32));
  const tunnel = new TunnelClient({
    ...common,
    random,
    address: addresses.frontend,
    serverName: 'server/server-1',
  });
  const cluster = new ClusterClient({
    ...common,
    dialer: tunnel,
    kubeletTls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' },
    nodes: () => addresses.nodes,
    pods: () => addresses.pods,
  });
  return {
    cluster,
    close: async () => {
      await cluster.close();
      await tunnel.close();
    },
  };
}
