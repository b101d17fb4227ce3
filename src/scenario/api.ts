import { text } from 'node:stream/consumers';
import { createRealClock } from '../core/clock.js';
import { type ApiRequest, Requester } from '../kube/requester.js';
import type { Lab } from '../lab/lab.js';
import { leafTls } from '../pki/certificate-set.js';

/** Calls the API of a lab as its administrator. Resolves with the body; rejects with API_REFUSED or API_UNREACHABLE. */
export async function callApi(
  lab: Lab,
  request: Pick<ApiRequest, 'method' | 'path' | 'body'>,
): Promise<string> {
  const tls = leafTls(lab.certificates, 'admin');
  const access = { server: new URL(lab.apiServerUrl), tls: () => tls, headers: () => ({}) };
  const requester = new Requester({ access, clock: createRealClock() });
  const contentType = request.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  try {
    return await text(await requester.stream({ ...request, contentType }));
  } finally {
    requester.close();
  }
}
