import type { Duplex } from 'node:stream';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { PortForwardRequest } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { PortForwardRequest__Output } from '../wire/gen/konnsim/kubelet/v1/PortForwardRequest.js';
import type { PortForwardResponse } from '../wire/gen/konnsim/kubelet/v1/PortForwardResponse.js';
import { CallDuplex } from '../wire/net/call-duplex.js';
import { joinStreams } from '../wire/net/join-streams.js';
import { admitStream } from './admit-stream.js';
import type { DoorContext } from './door-context.js';
import { failCall, firstMessage, goneSignal, subjectOf } from './grpc-call.js';
import { traceRequest } from './request-trace.js';

type PortForwardCall = ServerDuplexStream<PortForwardRequest__Output, PortForwardResponse>;

async function readStart(call: PortForwardCall): Promise<PortForwardRequest> {
  const { start } = await firstMessage<PortForwardRequest__Output>(call);
  if (!start) throw new TunnelError('BAD_REQUEST', 'the first message must be start');
  const { namespace, pod, port } = start;
  if (port < 1 || port > 65_535) throw new TunnelError('BAD_REQUEST', `port "${port}" must be 1 to 65535`);
  return { namespace, pod, port };
}

function duplexOf(call: PortForwardCall): Duplex {
  return new CallDuplex({
    call,
    send: (data, done) => void call.write({ data }, done),
    halfClose: (done) => void call.write({ halfClose: {} }, () => done()),
    abandon: () => undefined,
  });
}

/** Carries bytes until both directions are closed. */
async function carry(call: PortForwardCall, target: Duplex, signal: AbortSignal): Promise<void> {
  const tunnel = duplexOf(call);
  const drop = (): void => {
    tunnel.destroy();
    target.destroy();
  };
  if (signal.aborted) drop();
  else signal.addEventListener('abort', drop, { once: true });
  await joinStreams(target, tunnel);
}

async function servePort(context: DoorContext, call: PortForwardCall): Promise<void> {
  const signal = goneSignal(call);
  const request = await readStart(call);
  const { namespace, pod, port } = request;
  const path = `/portForward/${namespace}/${pod}/${port}`;
  const trace = traceRequest(context, subjectOf(call, 'portforward', path));
  try {
    admitStream(context, { kind: 'portForward', namespace, pod });
    const target = await context.runtime.portForward(request, signal);
    target.on('error', () => undefined);
    call.write({ connected: {} });
    await carry(call, target, signal);
    call.end();
    trace.finished();
  } catch (caught) {
    trace.failed(signal.aborted ? 'the client is gone' : caught);
    throw caught;
  }
}

export function portForwardHandler(context: DoorContext): (call: PortForwardCall) => void {
  return (call) => {
    servePort(context, call).catch((caught: unknown) => {
      failCall(call, TunnelError.from(caught, 'PORT_CLOSED', context.node));
    });
  };
}
