import { resolve } from 'node:path';
import type { ClosableDialer, EgressContext } from './context.js';
import { createDirectDialer } from './direct-dialer.js';
import { GrpcDialer } from './grpc-dialer.js';
import { createTcpConnectDialer, createUdsConnectDialer } from './http-connect-dialer.js';
import type { EgressConfiguration, EgressSelection } from './schema.js';
import type { EgressName, EgressSelector } from './selector.js';

/** Unselected destinations are dialled directly, as in kube-apiserver. Throws an Error in its words. */
export function createEgressSelector(
  { selections }: EgressConfiguration,
  context: EgressContext,
): EgressSelector {
  const direct = createDirectDialer(context.clock);
  const dialers = new Map<string, ClosableDialer>();
  for (const selection of selections) {
    const name = selection.name.toLowerCase();
    const dialer = createInName(name, selection, context);
    if (dialer !== undefined) dialers.set(name, dialer);
  }
  return {
    dialer: (name: EgressName) => dialers.get(name) ?? direct,
    async close() {
      await Promise.all([...dialers.values()].map((dialer) => dialer.close()));
    },
  };
}

/** Undefined means direct. */
function createInName(
  name: string,
  selection: EgressSelection,
  context: EgressContext,
): ClosableDialer | undefined {
  try {
    return createDialer(selection, context);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`failed to create dialer for egressSelection ${JSON.stringify(name)}: ${reason}`, {
      cause,
    });
  }
}

function createDialer(
  { proxyProtocol, transport }: EgressSelection,
  context: EgressContext,
): ClosableDialer | undefined {
  if (proxyProtocol === 'Direct') return undefined;
  const udsName = transport?.uds?.udsName ?? '';
  if (proxyProtocol === 'GRPC' && udsName !== '') {
    return new GrpcDialer({ ...context, address: `unix://${resolve(udsName)}` });
  }
  if (proxyProtocol === 'GRPC') throw new Error('UDS transport must be specified for GRPC');
  if (udsName !== '') return createUdsConnectDialer(udsName, context);
  if (transport?.tcp) return createTcpConnectDialer(transport.tcp, context);
  throw new Error('Either a TCP or UDS transport must be specified');
}
