import type { IncomingMessage } from 'node:http';
import { badRequest, internalError, StatusError, type StatusReason } from '../request/status.js';

/** kube-apiserver reads no more than this of a kubelet's error text. */
const maxTextBytes = 50_000;

interface GenericAnswer {
  readonly reason?: StatusReason;
  readonly text?: string;
}

/** Kubernetes' texts for HTTP codes without a Status. An `undefined` text means the server's own text. */
const genericAnswers: Readonly<Record<number, GenericAnswer>> = {
  401: { reason: 'Unauthorized', text: 'the server has asked for the client to provide credentials' },
  403: { reason: 'Forbidden' },
  404: { reason: 'NotFound', text: 'the server could not find the requested resource' },
  405: {
    reason: 'MethodNotAllowed',
    text: 'the server does not allow this method on the requested resource',
  },
  406: { reason: 'NotAcceptable' },
  409: { reason: 'Conflict', text: 'the server reported a conflict' },
  415: { reason: 'UnsupportedMediaType' },
  422: { reason: 'Invalid', text: 'the server rejected our request due to an error in our request' },
  429: {
    reason: 'TooManyRequests',
    text: 'the server has received too many requests and has asked us to try again later',
  },
  503: { reason: 'ServiceUnavailable', text: 'the server is currently unable to handle the request' },
  504: {
    reason: 'Timeout',
    text: 'the server was unable to return a response in the time allotted, but may still be processing the request',
  },
};

/** The API's answer when a kubelet refuses a log request for `pod`. Reads the body. */
export async function statusFromKubelet(answer: IncomingMessage, pod: string): Promise<StatusError> {
  const body = await readText(answer);
  const code = answer.statusCode ?? 500;
  if (code === 500) return internalError(body);
  if (code === 400) return badRequest(body);
  const generic = genericAnswers[code] ?? unknownCode(code, body);
  // The empty verb leaves a blank after the bracket.
  return new StatusError(code, `${generic.text ?? body} ( pods/log ${pod})`, {
    ...(generic.reason === undefined ? {} : { reason: generic.reason }),
    details: { name: pod, kind: 'pods/log' },
  });
}

/** Kubernetes' text for an unsuccessful answer that is not a Status. */
export function genericText(code: number, body: string): string {
  if (code === 400) return 'the server rejected our request for an unknown reason';
  return (genericAnswers[code] ?? unknownCode(code, body)).text ?? body;
}

function unknownCode(code: number, body: string): GenericAnswer {
  if (code < 500)
    return { text: `the server responded with the status code ${code} but did not return more information` };
  const quoted = JSON.stringify(body);
  return {
    reason: 'InternalError',
    text: `an error on the server (${quoted}) has prevented the request from succeeding`,
  };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= maxTextBytes) break;
    }
  } catch {
    // A cut body is better than no text.
  }
  return Buffer.concat(chunks).subarray(0, maxTextBytes).toString().trim();
}
