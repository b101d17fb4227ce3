import { at, listAt, numberAt, textAt } from '../resources/api-object.js';
import { findResource } from '../resources/catalogue.js';
import type { ObjectStore } from '../store/object-store.js';

/** What a webhook may do: only `admit` ones may change the object. The names are those in kube-apiserver's metrics. */
export type WebhookType = 'admit' | 'validating';

export interface Webhook {
  readonly name: string;
  /** Unique, unlike `name`. */
  readonly id: string;
  readonly type: WebhookType;
  readonly rules: readonly unknown[];
  readonly namespaceSelector: unknown;
  readonly objectSelector: unknown;
  /** CEL expressions. */
  readonly matchConditions: readonly string[];
  /** `url` or `service`, and `caBundle`. */
  readonly clientConfig: unknown;
  /** 1 to 30. */
  readonly timeoutSeconds: number;
  /** `failurePolicy: Ignore`: a failed call does not stop the write. */
  readonly ignoresFailure: boolean;
  /** `reinvocationPolicy: IfNeeded`. */
  readonly reinvokes: boolean;
  readonly sideEffects: string;
  /** The AdmissionReview version: the first one that the webhook accepts and that we support. */
  readonly reviewVersion: ReviewVersion;
}

export type ReviewVersion = 'v1' | 'v1beta1';

const kinds = {
  admit: 'mutatingwebhookconfigurations',
  validating: 'validatingwebhookconfigurations',
} as const;

const group = 'admissionregistration.k8s.io';

/** All webhooks of a type, ordered by the names of their configurations, and within a configuration in its order. */
export function webhooksOf(store: ObjectStore, type: WebhookType): readonly Webhook[] {
  const resource = findResource(group, 'v1', kinds[type]);
  if (resource === undefined) return [];
  return [...store.list(resource)]
    .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
    .flatMap((configuration) =>
      listAt(configuration, 'webhooks').map((each, index) =>
        webhookOf(each, type, `${configuration.metadata.name}/${index}`),
      ),
    );
}

/** Webhooks are never called for webhook configurations: one that refused its own removal could not be removed. */
export function isExempt(resource: { readonly group: string; readonly plural: string }): boolean {
  return resource.group === group;
}

const defaultTimeoutSeconds = 10;

function webhookOf(raw: unknown, type: WebhookType, id: string): Webhook {
  const versions = listAt(raw, 'admissionReviewVersions');
  const known = versions.find((version) => version === 'v1' || version === 'v1beta1');
  return {
    name: textAt(raw, 'name'),
    id,
    type,
    rules: listAt(raw, 'rules'),
    namespaceSelector: at(raw, 'namespaceSelector'),
    objectSelector: at(raw, 'objectSelector'),
    matchConditions: listAt(raw, 'matchConditions').map((each) => textAt(each, 'expression').trim()),
    clientConfig: at(raw, 'clientConfig'),
    timeoutSeconds: numberAt(raw, 'timeoutSeconds') || defaultTimeoutSeconds,
    ignoresFailure: textAt(raw, 'failurePolicy') === 'Ignore',
    reinvokes: textAt(raw, 'reinvocationPolicy') === 'IfNeeded',
    sideEffects: textAt(raw, 'sideEffects'),
    reviewVersion: known === 'v1beta1' ? 'v1beta1' : 'v1',
  };
}
