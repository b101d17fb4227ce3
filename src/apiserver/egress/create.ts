import { createDirectDialer } from './direct-dialer.js';
import type { ClosableDialer, EgressGround } from './ground.js';
import { createGrpcDialer } from './grpc-dialer.js';
import { createTcpConnectDialer, createUdsConnectDialer } from './http-connect-dialer.js';
import type { EgressConfiguration, EgressSelection } from './schema.js';
import type { EgressName, EgressSelector } from './selector.js';

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
