import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import type { Kubelet } from '../../../src/kubelet-stub/kubelet.js';
import { type UpgradeAnswer, upgradeHttp } from '../../../src/streams/http-upgrade.js';
import type { TlsFiles } from '../../../src/wire/net/tls.js';
import { once } from '../../support/waits.js';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingMessage['headers'];
}

export type ClientIdentity = TlsFiles | Pick<TlsFiles, 'ca'>;

/** Sends one request and resolves with the head of the answer; the body is still to be read. */
export async function open(
  { address }: Kubelet,
  identity: ClientIdentity,
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  const sent = request({ ...address, ...identity, path, agent: false, ...options });
  sent.on('error', () => undefined);
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

export async function ask(...parameters: Parameters<typeof open>): Promise<Answer> {
  const response = await open(...parameters);
  const body = await buffer(response);
  return { status: response.statusCode ?? 0, text: body.toString(), headers: response.headers };
}

export async function connectTls(
  { address }: Kubelet,
  identity: ClientIdentity,
  protocols: string[] = [],
): Promise<TLSSocket> {
  const socket = connect({ ...address, ...identity, ALPNProtocols: protocols });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Asks for a SPDY upgrade, as client-go does. */
export async function upgrade(
  kubelet: Kubelet,
  identity: ClientIdentity,
  path: string,
  protocol: string,
): Promise<UpgradeAnswer> {
  const socket = await connectTls(kubelet, identity);
  const headers = ['Host', 'kubelet', 'Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', 'Content-Length', '0'];
  const request = { method: 'POST', path, headers: [...headers, 'X-Stream-Protocol-Version', protocol] };
  return upgradeHttp(socket, request);
}

export async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}
