import { dialTimeoutText } from '../dial-texts.js';
import { closeResponse, type DialId } from '../packet.js';
import { StallGuard, stallPatienceMs } from '../stall-guard.js';
import { type AgentContext, closeEndpoint, type Endpoint, failDial, sendToServer } from './state.js';

export const endpointStallText = 'the endpoint does not read';

/** Opens an endpoint, and cancels after the dial timeout. */
export function startDial(context: AgentContext, dialId: DialId, address: string): void {
  const endpoint = createEndpoint(context, dialId, address);
  context.endpoints.set(endpoint.connectId, endpoint);
  context.observer.dialStarted(endpoint);
  endpoint.timer = context.clock.after(context.dialTimeoutMs, () =>
    failDial(context, endpoint, dialTimeoutText(address), 'timeout'),
  );
  endpoint.port = context.openEndpoint(endpoint);
}

function createEndpoint(context: AgentContext, dialId: DialId, address: string): Endpoint {
  const { clock, faithful, nextConnectId } = context;
  const mayBlock = faithful.has('head-of-line-blocking');
  const endpoint: Endpoint = {
    dialId,
    connectId: nextConnectId(),
    address,
    startedAt: clock.now(),
    kind: 'dialing',
    port: undefined,
    timer: undefined,
    toEndpointBytes: 0,
    fromEndpointBytes: 0,
    guard: new StallGuard({
      clock,
      patienceMs: stallPatienceMs,
      takenBytes: () => endpoint.port?.takenBytes ?? 0,
      waiting: () => !mayBlock && endpoint.kind === 'open' && endpoint.port?.congested === true,
      stalled: () => dropEndpoint(context, endpoint),
    }),
  };
  return endpoint;
}

function dropEndpoint(context: AgentContext, endpoint: Endpoint): void {
  closeEndpoint(context, endpoint, 'endpoint_stalled');
  endpoint.port?.destroy();
  sendToServer(context, closeResponse(endpoint.connectId, endpointStallText));
}
