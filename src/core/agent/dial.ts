import { dialTimeoutText } from '../dial-texts.js';
import type { DialRequestPacket } from '../packet.js';
import { StallGuard, stallPatienceMs } from '../stall-guard.js';
import { type AgentContext, dropEndpoint, type Endpoint, failDial } from './state.js';

export const endpointStallText = 'the endpoint does not read';

/** Opens an endpoint, and cancels after the dial timeout. */
export function startDial(context: AgentContext, packet: DialRequestPacket): void {
  const { address } = packet;
  const endpoint = createEndpoint(context, packet);
  context.endpoints.set(endpoint.connectId, endpoint);
  context.observer.dialStarted(endpoint);
  endpoint.timer = context.clock.after(context.dialTimeoutMs, () =>
    failDial(context, endpoint, dialTimeoutText(address), 'timeout'),
  );
  endpoint.port = context.openEndpoint(endpoint);
}

function createEndpoint(
  context: AgentContext,
  { dialId, address, initWindow = 0 }: DialRequestPacket,
): Endpoint {
  const { clock, faithful } = context;
  const connectId = context.nextConnectId();
  const mayBlock = faithful.has('head-of-line-blocking');
  const endpoint: Endpoint = {
    dialId,
    connectId,
    address,
    startedAt: clock.now(),
    kind: 'dialing',
    port: undefined,
    timer: undefined,
    toEndpointBytes: 0,
    fromEndpointBytes: 0,
    bytesAtRound: -1,
    guard: new StallGuard({
      clock,
      patienceMs: stallPatienceMs,
      takenBytes: () => endpoint.port?.takenBytes ?? 0,
      waiting: () => !mayBlock && endpoint.kind === 'open' && endpoint.port?.congested === true,
      stalled: () => dropEndpoint(context, endpoint, { reason: 'endpoint_stalled', text: endpointStallText }),
    }),
    peerWindow: context.creditsAgreed ? initWindow : 0,
    credits: undefined,
  };
  return endpoint;
}
