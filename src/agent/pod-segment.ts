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
import { unreachableCode } from '../wire/net/transport-text.js';

export interface PodSegmentOptions {
  /** The addresses of the pods, such as `10.244.1.0/24`. */
  readonly cidr: string;
  /** The kubelet that runs them; its certificate must have this host as a name. */
  readonly door: { readonly host: string; readonly port: number };
  /** Renewable files are read again for each connection. */
  readonly tls: TlsFiles | Renewable<TlsFiles>;
  readonly clock: Clock;
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
  const addresses = new Set(podAddresses(options.cidr));
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
  const { door, tls } = options;
  const deadline = startDeadline(clock, timeoutMs, signal);
  const socket = connect({
    ...door,
    ...currentTls(tls),
    ...(isIP(door.host) === 0 ? { servername: door.host } : {}),
  });
  let failure: Error | undefined;
  // Kept: an error before the new owner listens must not end the process.
  socket.on('error', (error) => {
    failure = error;
  });
  const stopped = new Promise<never>((_resolve, reject) => {
    deadline.onStop((reason) => reject(stopError(target, reason)));
  });
  try {
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
    socket.write(`${joinHostPort(target.host, target.port)}\n`);
    const answer = await Promise.race([readLine(socket), stopped]);
    if (answer === podAnswers.open) return socket;
    socket.destroy();
    if (answer === podAnswers.refused) return undefined;
    throw connectError(target, { code: 'EHOSTUNREACH' });
  } catch (caught) {
    socket.destroy();
    throw failure === undefined ? caught : unreachable(target, door, failure);
  } finally {
    deadline.close();
  }
}

/** Without its kubelet a pod is not there. What is wrong with a certificate is said. */
function unreachable(target: GoTarget, door: PodSegmentOptions['door'], cause: Error): TunnelError {
  const text = goBrokenText(cause);
  if (unreachableCode(text, true) !== 'TLS_REJECTED') return connectError(target, { code: 'EHOSTUNREACH' });
  const where = `pod network at ${joinHostPort(door.host, door.port)}`;
  return new TunnelError('TLS_REJECTED', `${where}: ${text}`, { where, cause });
}
