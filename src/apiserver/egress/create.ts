import type { Clock } from '../../core/clock.js';
import type { EventSink } from '../../core/events.js';
import type { Random } from '../../core/random.js';
import type { Dialer } from '../../wire/dialer.js';
import { createDirectDialer } from './direct-dialer.js';
import { createGrpcDialer } from './grpc-dialer.js';
import { createTcpConnectDialer, createUdsConnectDialer } from './http-connect-dialer.js';
import type { EgressConfiguration, EgressSelection } from './schema.js';
import type { EgressName, EgressSelector } from './selector.js';

/** What dialers need of their surroundings. */
export interface EgressGround {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly packetEvents?: boolean;
  /** Who dials, in events: `apiserver/main`. */
  readonly name: string;
  /** Who is dialled, in events: `server/proxy-server`. */
  readonly serverName: string;
}

export interface ClosableDialer extends Dialer {
  close(): Promise<void>;
}

/**
 * Makes the dialers of a valid configuration. What no selection names is dialled directly, as kube-apiserver does.
 * Throws an Error in kube-apiserver's words when a dialer cannot be made.
 */
export function createEgressSelector(
  { selections }: EgressConfiguration,
  ground: EgressGround,
): EgressSelector {
  const direct = createDirectDialer(ground.clock);
  const dialers = new Map<string, ClosableDialer>();
  for (const selection of selections) {
    const name = selection.name.toLowerCase();
    const dialer = createInName(name, selection, ground);
    if (dialer !== undefined) dialers.set(name, dialer);
  }
  return {
    dialer: (name: EgressName) => dialers.get(name) ?? direct,
    async close() {
      await Promise.all([...dialers.values()].map((dialer) => dialer.close()));
    },
  };
}

/** Undefined is direct. */
function createInName(
  name: string,
  selection: EgressSelection,
  ground: EgressGround,
): ClosableDialer | undefined {
  try {
    return createDialer(selection, ground);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`failed to create dialer for egressSelection ${JSON.stringify(name)}: ${reason}`, {
      cause,
    });
  }
}

function createDialer(
  { proxyProtocol, transport }: EgressSelection,
  ground: EgressGround,
): ClosableDialer | undefined {
  if (proxyProtocol === 'Direct') return undefined;
  const udsName = transport?.uds?.udsName ?? '';
  if (proxyProtocol === 'GRPC' && udsName !== '') return createGrpcDialer(udsName, ground);
  if (proxyProtocol === 'GRPC') throw new Error('UDS transport must be specified for GRPC');
  if (udsName !== '') return createUdsConnectDialer(udsName, ground);
  if (transport?.tcp) return createTcpConnectDialer(transport.tcp, ground);
  throw new Error('Either a TCP or UDS transport must be specified');
}
