import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { Behaviour } from './behaviours.js';
import { refusals, type StreamRefusal } from './stream-refusal.js';

const text = z.string();
const texts = z.array(text);
const count = z.int().min(0);
const containers = texts.optional();
const port = z.int().min(1).max(65_535);

const isPattern = (pattern: string): boolean => {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
};
const match = z.union(
  [
    z.strictObject({ argv: texts }),
    z.strictObject({ prefix: texts }),
    z.strictObject({ pattern: text.refine(isPattern, 'is not a regular expression') }),
  ],
  { error: 'must be one of argv, prefix (lists of words) and pattern (a regular expression)' },
);
const refusal = z.enum(Object.keys(refusals) as [StreamRefusal, ...StreamRefusal[]], {
  error: `must be one of ${Object.keys(refusals).join(', ')}`,
});
const refused = z
  .union([refusal, z.strictObject({ code: refusal, message: text })], {
    error: `must be one of ${Object.keys(refusals).join(', ')}, or that as code with a message`,
  })
  .optional();

const answer = z.strictObject({
  delayMs: z.number().min(0).optional(),
  stdout: text.optional(),
  bytes: count.optional(),
  byteSource: z.enum(['counting', 'seeded']).optional(),
  seed: z.int().optional(),
  stderr: text.optional(),
  exitCode: z.int().min(0).max(255).optional(),
  bytesPerSecond: z.number().positive().optional(),
  error: text.optional(),
  disconnectAfterBytes: count.optional(),
});
const local = z.strictObject({
  workDir: text.optional(),
  envs: z.array(z.strictObject({ name: text, value: text })).optional(),
});
const execs = z.array(
  z.strictObject({
    containers,
    match: match.optional(),
    answer: answer.optional(),
    local: local.optional(),
    refused,
  }),
);
const logs = z.array(
  z.strictObject({
    containers,
    logsFile: text.optional(),
    previousLogsFile: text.optional(),
    content: text.optional(),
    previousContent: text.optional(),
    follow: z.boolean().optional(),
    error: text.optional(),
    disconnectAfterBytes: count.optional(),
  }),
);
const attaches = z.array(
  z.strictObject({
    containers,
    answer: answer.omit({ exitCode: true }).optional(),
    logsFile: text.optional(),
    content: text.optional(),
    error: text.optional(),
    refused,
  }),
);
const forwards = z.array(
  z.strictObject({
    ports: z.array(port).optional(),
    target: z.strictObject({ address: text.min(1), port }).optional(),
    command: texts.min(1).optional(),
    error: text.optional(),
    disconnectAfterBytes: count.optional(),
    refused,
  }),
);
const selector = z
  .strictObject({ matchNamespaces: texts.optional(), matchNames: texts.optional() })
  .optional();

/** kwok writes it into its documents; we ignore it. */
const apiVersion = text.optional();
const ofPod = z.object({ name: text.min(1), namespace: text.min(1) });
const ofCluster = z.object({ name: text.min(1) });
const kinds = ['Exec', 'Logs', 'Attach', 'PortForward'].flatMap((kind) => [kind, `Cluster${kind}`]);
const behaviour = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ apiVersion, kind: z.literal('Exec'), metadata: ofPod, spec: z.strictObject({ execs }) }),
    z.strictObject({ apiVersion, kind: z.literal('Logs'), metadata: ofPod, spec: z.strictObject({ logs }) }),
    z.strictObject({
      apiVersion,
      kind: z.literal('Attach'),
      metadata: ofPod,
      spec: z.strictObject({ attaches }),
    }),
    z.strictObject({
      apiVersion,
      kind: z.literal('PortForward'),
      metadata: ofPod,
      spec: z.strictObject({ forwards }),
    }),
    z.strictObject({
      apiVersion,
      kind: z.literal('ClusterExec'),
      metadata: ofCluster,
      spec: z.strictObject({ selector, execs }),
    }),
    z.strictObject({
      apiVersion,
      kind: z.literal('ClusterLogs'),
      metadata: ofCluster,
      spec: z.strictObject({ selector, logs }),
    }),
    z.strictObject({
      apiVersion,
      kind: z.literal('ClusterAttach'),
      metadata: ofCluster,
      spec: z.strictObject({ selector, attaches }),
    }),
    z.strictObject({
      apiVersion,
      kind: z.literal('ClusterPortForward'),
      metadata: ofCluster,
      spec: z.strictObject({ selector, forwards }),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? `must be one of ${kinds.join(', ')}` : undefined) },
);

/** Checks unchecked documents. Throws CONFIG_INVALID with the path of the first wrong field. */
export function checkBehaviours(documents: unknown): readonly Behaviour[] {
  const checked = z.array(behaviour).safeParse(documents);
  if (checked.success) return checked.data as readonly Behaviour[];
  const [issue] = checked.error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw invalid([...issue.path, ...issue.keys.slice(0, 1)], 'there is no such field');
  throw invalid(issue?.path ?? [], issue?.message ?? 'is not understood');
}

function invalid(path: readonly PropertyKey[], message: string): TunnelError {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return new TunnelError('CONFIG_INVALID', `behaviours${parts.join('')}: ${message}`);
}
