import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { joinHostPort } from '../core/address.js';
import { type Clock, createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { goBrokenText } from '../core/go-texts.js';
import { startDeadline } from '../links/deadline.js';
import { defaultDialTimeoutMs, type GoDialOptions } from '../links/go-dial.js';
import { connectError, type GoTarget, stopError } from '../links/go-errors.js';
import type { NetworkSegment } from '../links/node-network.js';
import { podAnswers, readLine } from '../wire/net/pod-door.js';
import { currentTls, type Renewable, type TlsFiles } from '../wire/net/tls.js';

export interface PodSegmentOptions {
  /** The addresses of the pods, such as `10.244.1.0/24`. */
  readonly cidr: string;
  /** The kubelet that runs them; its certificate must have this host as a name. */
  readonly door: { readonly host: string; readonly port: number };
  /** Renewable files are read again for each connection. */
  readonly tls: TlsFiles | Renewable<TlsFiles>;
  readonly clock: Clock;
  /** Addresses of the node itself, which its pods with `hostNetwork` share. Default none. */
  readonly nodeAddresses?: readonly string[];
  /** Is told why the kubelet did not answer. Clients are told that there is no route, as without a network. */
  readonly onTrouble?: (text: string) => void;
}

/** As Go does. */
const keepAliveMs = 15_000;

/** All addresses of an IPv4 range of at least 24 bits. Empty for any other text. */
export function podAddresses(cidr: string): readonly string[] {
  const [, network = '', bits = ''] = /^([\d.]+)\/(\d\d)$/.exec(cidr) ?? [];
  if (isIP(network) !== 4 || Number(bits) < 24 || Number(bits) > 32) return [];
  const [a, b, c, d = 0] = network.split('.').map(Number);
  const count = 2 ** (32 - Number(bits));
  const first = d - (d % count);
  return Array.from({ length: count }, (_, offset) => `${a}.${b}.${c}.${first + offset}`);
}

/** The pods of a kubelet in another process, for the network of an agent. */
export function podSegment(options: PodSegmentOptions): NetworkSegment {
  const addresses = new Set([...podAddresses(options.cidr), ...(options.nodeAddresses ?? [])]);
  return {
    has: (host) => addresses.has(host),
    open: (host, port, dial) => openPod(options, { host, port, where: dial.where }, dial),
  };
}

async function openPod(
  options: PodSegmentOptions,
  target: GoTarget,
  { clock = createRealClock(), timeoutMs = defaultDialTimeoutMs, signal }: GoDialOptions,
): Promise<Socket | undefined> {
  const deadline = startDeadline(clock, timeoutMs, signal);
  const stopped = new Promise<never>((_resolve, reject) => {
    deadline.onStop((reason) => reject(stopError(target, reason)));
  });
  let socket: Socket | undefined;
  try {
    socket = connectDoor(options);
    socket.write(`${joinHostPort(target.host, target.port)}\n`);
    const answer = readLine(socket).catch((cause: Error) => goBrokenText(cause));
    const said = await Promise.race([answer, stopped]);
    if (said === podAnswers.open) return socket;
    socket.destroy();
    if (said === podAnswers.refused) return undefined;
    if (said === podAnswers.unknown) return noPod(options, target);
    throw new Error(said);
  } catch (caught) {
    socket?.destroy();
    if (caught instanceof TunnelError) throw caught;
    const { host, port } = options.door;
    options.onTrouble?.(`pod network at ${joinHostPort(host, port)}: ${(caught as Error).message}`);
    // Without its kubelet a pod is not there.
    throw connectError(target, { code: 'EHOSTUNREACH' });
  } finally {
    deadline.close();
  }
}

/** The node itself has no pod there, and refuses; an address of a pod that does not exist has no route. */
function noPod({ nodeAddresses = [] }: PodSegmentOptions, target: GoTarget): undefined {
  if (!nodeAddresses.includes(target.host)) throw connectError(target, { code: 'EHOSTUNREACH' });
}

function connectDoor({ door, tls }: PodSegmentOptions): Socket {
  const name = isIP(door.host) === 0 ? { servername: door.host } : {};
  const socket = connect({ ...door, ...currentTls(tls), ...name });
  // Kept: an error before the new owner listens must not end the process.
  socket.on('error', () => undefined);
  return socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
}
