import type { TLSSocket } from 'node:tls';
import { openPodPort } from '../containers/pod-ports.js';
import type { NodeRuntime } from '../containers/runtime.js';
import { splitHostPort } from '../core/address.js';
import { ConnectionBounds } from '../core/connection-bounds.js';
import { joinStreams } from '../wire/net/join-streams.js';
import { podAnswers, readLine } from '../wire/net/pod-door.js';
import { openTlsPort, type TlsPort, type TlsPortOptions } from './tls-port.js';

export interface PodDoorOptions extends Pick<TlsPortOptions, 'host' | 'port' | 'tls' | 'clock'> {
  readonly runtime: NodeRuntime;
}

/** How long a handshake may take, and then the way to the pod with the client's line, ms: an agent waits no longer. */
const patienceMs = 5000;
/** As Go does, so that the connections of an agent that vanished end. */
const keepAliveMs = 15_000;

/**
 * The port on which agents reach the pods of this node (`wire/net/pod-door.ts`). Only a client with a certificate of
 * `tls.clientCa` is read at all. Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE or CERT_INVALID.
 */
export function openPodDoor({ runtime, ...options }: PodDoorOptions): Promise<TlsPort> {
  const lines = new ConnectionBounds(options.clock);
  const accept = (socket: TLSSocket): void => {
    lines.expect(socket.setKeepAlive(true, keepAliveMs), patienceMs);
    serve(socket, runtime, () => void lines.met(socket)).catch(() => socket.destroy());
  };
  return openTlsPort({
    ...{ ...options, demanding: true, handshakeTimeoutMs: patienceMs },
    accept: { h2: accept, http1: accept },
  });
}

async function serve(socket: TLSSocket, runtime: NodeRuntime, isThere: () => void): Promise<void> {
  const target = splitHostPort(await readLine(socket));
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const inside =
    target === undefined || target.host === ''
      ? 'unknown'
      : await openPodPort(runtime, target.host, target.port, gone.signal);
  if (typeof inside === 'string') return void socket.end(`${podAnswers[inside]}\n`);
  inside.on('error', () => undefined);
  // Several pipelines listen for the end of each.
  for (const end of [socket, inside]) end.setMaxListeners(30);
  isThere();
  socket.write(`${podAnswers.open}\n`);
  await joinStreams(socket, inside);
}
