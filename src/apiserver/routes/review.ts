import type { Exchange } from '../http/exchange.js';
import { sendJson } from '../http/respond.js';

/** POST of a SelfSubjectReview (`kubectl auth whoami`). Its body holds nothing that matters, in whatever encoding. */
export function handleSelfSubjectReview({ response, user }: Exchange): void {
  const body = {
    kind: 'SelfSubjectReview',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { creationTimestamp: null },
    status: { userInfo: { username: user.name, groups: user.groups } },
  };
  sendJson(response, body, 201);
}
