import { expect, it } from 'vitest';
import { EndpointSocket } from '../../../src/agent/endpoint-socket.js';
import { AgentMachine, createConnectIds } from '../../../src/core/agent/machine.js';
import { ManualClock } from '../../../src/core/clock.js';
import { dialId, dialRequest } from '../../../src/core/packet.js';
import { createNodeNetwork } from '../../../src/links/node-network.js';
import { deferred } from '../../support/deferred.js';
import { RecordingPort } from '../../support/recording-port.js';

/** What the observer of an agent is told of a dial that must fail. */
async function failedDial(address: string): Promise<string> {
  const clock = new ManualClock();
  const network = createNodeNetwork({ clock });
  network.register('10.0.0.1', 10250, 'silence');
  const told = deferred<string>();
  const ignore = (): void => undefined;
  const machine: AgentMachine = new AgentMachine({
    clock,
    server: new RecordingPort(),
    nextConnectId: createConnectIds(),
    dialTimeoutMs: 5000,
    observer: {
      packet: ignore,
      dialStarted: ignore,
      dialSucceeded: ignore,
      endpointClosed: ignore,
      dialFailed: (_endpoint, text, reason) => told.resolve(`${reason}: ${text}`),
    },
    openEndpoint: (endpoint) =>
      new EndpointSocket({
        machine,
        endpoint,
        connect: network.connect,
        dialTimeoutMs: 0,
        clock,
        gone: ignore,
      }),
  });
  machine.handlePacket(dialRequest(address, dialId(7n)));
  return told.promise;
}

it.each([
  ['10.0.0.1:1', 'refused: dial tcp 10.0.0.1:1: connect: connection refused'],
  ['10.0.0.2:1', 'unreachable: dial tcp 10.0.0.2:1: connect: no route to host'],
  ['nowhere:1', 'not_found: dial tcp: lookup nowhere: no such host'],
  ['nowhere', 'other: dial tcp: address nowhere: missing port in address'],
])('a failed dial of %s has a reason of a closed set, whatever its text', async (address, told) => {
  expect(await failedDial(address)).toBe(told);
});
