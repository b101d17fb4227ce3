import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Lab } from '../../src/index.js';
import { soon } from './waits.js';

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

interface Ask {
  readonly method?: string;
  readonly body?: object;
  /** Default: the lab's own address. */
  readonly url?: string;
}

/** Asks the API of a lab as its administrator. */
export function askApi(lab: Lab, path: string, { method = 'GET', body, url }: Ask = {}): Promise<ApiAnswer> {
  const { ca, leaves } = lab.certificates;
  const { certPem: cert, keyPem: key } = leaves.admin;
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  return soon((resolve, reject) => {
    const options = { method, headers, ca: ca.certPem, cert, key, agent: false };
    const request = httpsRequest(`${url ?? lab.apiServerUrl}${path}`, options, (answer) => {
      void text(answer).then((told) => resolve({ status: answer.statusCode ?? 0, text: told }), reject);
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  }, `answer of ${path}`);
}
