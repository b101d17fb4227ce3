import { request as httpRequest, type IncomingMessage } from 'node:http';
import { joinHostPort } from '../../core/address.js';
import { StatusError } from '../request/status.js';
import type { ConnectOptions, KubeletConnector } from './connector.js';
import type { KubeletEndpoint } from './endpoint.js';
import { goErrorText } from './go-errors.js';

/**
 * Sends a GET to a kubelet and resolves with its response, with the body unread. An unreachable kubelet rejects with a
 * StatusError 500 without reason: `Get "https://HOST:PORT/PATH": CAUSE`. Aborting the signal ends the response too.
 */
export async function getFromKubelet(
  kubelets: KubeletConnector,
  endpoint: KubeletEndpoint,
  path: string,
  options: ConnectOptions,
): Promise<IncomingMessage> {
  const authority = joinHostPort(endpoint.host, endpoint.port);
  try {
    const socket = await kubelets.connect(endpoint, { ...options, asHttpClient: true });
    return await new Promise((resolve, reject) => {
      const request = httpRequest({
        path,
        headers: { host: authority, 'user-agent': 'kube-apiserver', 'audit-id': options.request },
        createConnection: () => socket,
        signal: options.signal,
      });
      request.once('response', (response) => {
        response.on('error', () => undefined);
        resolve(response);
      });
      request.on('error', reject);
      request.end();
    });
  } catch (caught) {
    const text = `Get "https://${authority}${path}": ${goErrorText(caught, endpoint.host)}`;
    throw new StatusError(500, text, { cause: caught });
  }
}
