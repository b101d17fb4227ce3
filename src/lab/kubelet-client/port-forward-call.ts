import type { Duplex } from 'node:stream';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { TunnelError } from '../../core/errors.js';
import type { PortForwardRequest } from '../../wire/gen/konnsim/kubelet/v1/PortForwardRequest.js';
import type { PortForwardResponse__Output } from '../../wire/gen/konnsim/kubelet/v1/PortForwardResponse.js';
import type { PortForwardStart } from '../../wire/gen/konnsim/kubelet/v1/PortForwardStart.js';
import { CallDuplex } from '../../wire/net/call-duplex.js';

export type PortForwardCall = ClientDuplexStream<PortForwardRequest, PortForwardResponse__Output>;

function connected(call: PortForwardCall, explain: (caught: unknown) => TunnelError): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (caught: unknown): void => reject(explain(caught));
    call.once('error', fail);
    call.once('data', (answer: PortForwardResponse__Output) => {
      call.pause();
      call.off('error', fail);
      if (answer.message === 'connected') return resolve();
      call.cancel();
      reject(new TunnelError('PROTOCOL_VIOLATION', 'the first answer must be connected'));
    });
  });
}

/** A connection to a pod's port, with half-close, once the port has accepted. `explain` makes its errors. */
export async function openPortForward(
  call: PortForwardCall,
  start: PortForwardStart,
  explain: (caught: unknown) => TunnelError,
): Promise<Duplex> {
  call.on('error', () => undefined);
  call.write({ start });
  await connected(call, explain);
  const stream: Duplex = new CallDuplex({
    call,
    send: (data, done) => void call.write({ data }, done),
    halfClose: (done) => {
      call.write({ halfClose: {} });
      call.end();
      done();
    },
    abandon: () => call.cancel(),
  });
  call.on('error', (caught) => stream.destroy(explain(caught)));
  return stream;
}
