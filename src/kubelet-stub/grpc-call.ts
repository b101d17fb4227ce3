import type { Metadata } from '@grpc/grpc-js';
import { TunnelError } from '../core/errors.js';
import { requestKey, statusFromError } from '../wire/net/grpc-status.js';
import type { RequestSubject } from './request-trace.js';

/** The part of a grpc-js server call that every handler needs. */
export interface ServerCall {
  readonly metadata: Metadata;
  /** The client cancelled the call, or is gone. */
  readonly cancelled: boolean;
  getPeer(): string;
  once(event: 'cancelled', listener: () => void): unknown;
  emit(event: 'error', status: object): boolean;
}

/** Aborts when the call is over: the client cancelled it, or is gone. */
export function goneSignal(call: ServerCall): AbortSignal {
  const controller = new AbortController();
  call.once('cancelled', () => controller.abort());
  return controller.signal;
}

/** Ends a call with the status of an error, if the client is still there. */
export function failCall(call: ServerCall, error: TunnelError): void {
  if (!call.cancelled) call.emit('error', statusFromError(error));
}

export function subjectOf(call: ServerCall, verb: string, path: string): RequestSubject {
  const request = call.metadata.get(requestKey)[0]?.toString();
  return { verb, path, protocol: 'grpc', request, peer: call.getPeer() };
}

interface MessageStream<Message> {
  once(event: 'data', listener: (message: Message) => void): unknown;
  once(event: 'end' | 'cancelled', listener: () => void): unknown;
  pause(): unknown;
}

/** Takes the first message and leaves the rest in the stream. */
export function firstMessage<Message>(call: MessageStream<Message>): Promise<Message> {
  return new Promise((resolve, reject) => {
    call.once('data', (message) => {
      call.pause();
      resolve(message);
    });
    const missing = (): void =>
      reject(new TunnelError('BAD_REQUEST', 'the call ended before its start message'));
    call.once('end', missing);
    call.once('cancelled', missing);
  });
}
