import type { Clock } from '../../core/clock.js';
import type { EventSink } from '../../core/events.js';
import type { AdmissionRequest } from '../request/admission.js';
import { textAt } from '../resources/api-object.js';
import { randomUid } from '../resources/random-names.js';
import type { Webhook } from './configurations.js';
import { type DestinationContext, destinationOf } from './destination.js';
import { CallFailure, dryRunUnsupported, failedCall, refusal, refuseOver } from './failures.js';
import type { ConditionContext } from './match-conditions.js';
import { postJson } from './post-json.js';
import { readAnswer, reviewOf, type WebhookAnswer } from './review.js';
import type { WebhookConnections } from './webhook-connections.js';
import { type CallReport, type WebhookObserver, webhookEvent } from './webhook-observer.js';

export interface InvokeContext extends DestinationContext, ConditionContext {
  readonly clock: Clock;
  readonly connections: WebhookConnections;
  /** `apiserver/<name>`, in events. */
  readonly node: string;
  readonly emit: EventSink;
  readonly observe: WebhookObserver;
}

const harmless: readonly string[] = ['None', 'NoneOnDryRun'];

/** Calls one webhook. Undefined: the call failed and the policy ignores that. Rejects with a StatusError. */
export async function invoke(
  context: InvokeContext,
  webhook: Webhook,
  request: AdmissionRequest,
): Promise<WebhookAnswer | undefined> {
  refuseOver(request, context.clock);
  if (request.dryRun && !harmless.includes(webhook.sideEffects)) throw dryRunUnsupported(webhook.name);
  const startedAt = context.clock.now();
  const report = (end: Omit<CallReport, 'webhook' | 'request' | 'durationMs'>): void => {
    const whole = { webhook, request, durationMs: context.clock.now() - startedAt, ...end };
    context.observe(whole);
    context.emit({ node: context.node, ...webhookEvent(whole) });
  };
  let answer: WebhookAnswer;
  try {
    answer = await ask(context, webhook, request);
  } catch (caught) {
    if (!(caught instanceof CallFailure)) throw caught;
    // As in kube-apiserver, a client that leaves is not counted as a failure of the webhook.
    if (request.signal.aborted) refuseOver(request, context.clock);
    report({
      code: caught.code,
      outcome: webhook.ignoresFailure ? 'failed-open' : 'failed',
      error: caught.message,
    });
    refuseOver(request, context.clock);
    if (webhook.ignoresFailure) return undefined;
    throw failedCall(webhook.name, caught);
  }
  if (answer.allowed) {
    report({ code: 200, outcome: 'allowed' });
    return answer;
  }
  const denied = refusal(webhook.name, answer.status);
  report({ code: denied.status.code, outcome: 'denied' });
  throw denied;
}

async function ask(
  context: InvokeContext,
  webhook: Webhook,
  request: AdmissionRequest,
): Promise<WebhookAnswer> {
  const { clientConfig, timeoutSeconds, type } = webhook;
  const { clock, connections, emit, node } = context;
  const uid = randomUid(context.random);
  const destination = destinationOf(context, clientConfig);
  const bundle = Buffer.from(textAt(clientConfig, 'caBundle'), 'base64').toString();
  const { address } = destination;
  const { signal, deadlineMs = Infinity } = request;
  const timeoutMs = Math.min(timeoutSeconds * 1000, deadlineMs - clock.now());
  const review = await postJson({
    destination,
    connections,
    // As kube-apiserver, webhooks with the same client configuration share connections, mutating and others apart. There,
    // URLs of one host share them, too.
    pool: JSON.stringify([type, textAt(clientConfig, 'url'), address, bundle]),
    onReuse: (openedBy) =>
      emit({
        kind: 'connection.reused',
        ...{ node, request: request.request },
        text: `uses the connection of ${openedBy} to ${address}`,
      }),
    url: `${address}?timeout=${Math.ceil(timeoutMs / 1000)}s`,
    ca: bundle === '' ? undefined : bundle,
    body: reviewOf(webhook, request, uid),
    timeoutMs,
    clock,
    signal,
    request: request.request,
  });
  return readAnswer(webhook, review, uid);
}
