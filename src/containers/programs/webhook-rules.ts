export interface ReviewAnswer {
  readonly status: number;
  readonly body: object;
  /** One line for the container's log. */
  readonly log: string;
}

/** Pods with `konnsim/deny=true` are refused. */
const denyLabel = 'konnsim/deny';
/** The label that all other pods get. */
const seenLabel = 'konnsim/admitted';

/** Answers an AdmissionReview on `/validate` or `/mutate`. Throws for any other body. */
export function reviewAnswer(url: string, review: unknown): ReviewAnswer {
  const path = url.replace(/\?.*$/, '');
  const request = record(record(review)['request']);
  if (typeof request['uid'] !== 'string') throw new TypeError('the body is not an AdmissionReview');
  const object = record(request['object']);
  const metadata = record(object['metadata']);
  const labels = record(metadata['labels']);
  const about = `${text(request['operation'])} ${text(request['namespace'])}/${text(request['name'])}`;
  const answered = (response: object, verdict: string): ReviewAnswer => ({
    status: 200,
    body: {
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      response: { uid: request['uid'], ...response },
    },
    log: `${path} ${about}: ${verdict}`,
  });
  if (path === '/mutate') return answered(marked(metadata, labels), 'marked');
  if (path !== '/validate')
    return { status: 404, body: { error: `no such path ${path}` }, log: `${path}: not found` };
  return labels[denyLabel] === 'true' ? answered(denied(), 'denied') : answered({ allowed: true }, 'allowed');
}

function denied(): object {
  const message = `pods labelled ${denyLabel}=true are not wanted here`;
  return { allowed: false, status: { code: 403, reason: 'Forbidden', message } };
}

function marked(metadata: Record<string, unknown>, labels: Record<string, unknown>): object {
  if (labels[seenLabel] === 'true' || labels[denyLabel] === 'true') return { allowed: true };
  const whole = { op: 'add', path: '/metadata/labels', value: {} };
  const label = { op: 'add', path: `/metadata/labels/${seenLabel.replace('/', '~1')}`, value: 'true' };
  const patch = metadata['labels'] === undefined ? [whole, label] : [label];
  return {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    warnings: [`konnsim/webhook has added the label ${seenLabel}`],
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
