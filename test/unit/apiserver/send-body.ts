import { type Answer, type CallOptions, call, type TestApi } from './fixture.js';

export interface Sent extends Omit<CallOptions, 'body'> {
  /** Default `application/json`. */
  readonly type?: string;
}

/** Sends a body as JSON, or a text unchanged. */
export function send(
  test: TestApi,
  method: string,
  path: string,
  ...[body, options = {}]: [body?: unknown, options?: Sent]
): Promise<Answer> {
  const { type = 'application/json', headers, ...rest } = options;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call(test, path, {
    ...rest,
    method,
    headers: { 'content-type': type, ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
}

export const mergePatch: Sent = { type: 'application/merge-patch+json' };
export const strategicPatch: Sent = { type: 'application/strategic-merge-patch+json' };
export const jsonPatch: Sent = { type: 'application/json-patch+json' };
export const applyPatch: Sent = { type: 'application/apply-patch+yaml' };
