import { z } from 'zod';
import { checkBehaviours } from '../containers/behaviour-schema.js';
import { errorTable, TunnelError } from '../core/errors.js';
import type { FaithfulName } from '../core/faithful.js';
import type { StrategyName } from '../core/strategy.js';
import { balances } from '../links/balance.js';
import { duration } from '../links/faults/fault-kind.js';

const strategies = ['default', 'destHost', 'defaultRoute'] as const satisfies readonly StrategyName[];
const text = z.string().min(1);
const count = z.int().min(0);
const positive = z.int().positive();

const behaviours = z.array(z.looseObject({})).transform((documents, context) => {
  try {
    return checkBehaviours(documents);
  } catch (error) {
    context.addIssue({ code: 'custom', message: TunnelError.from(error).message });
    return z.NEVER;
  }
});

/** The options of a lab that a document can have. */
export const labSchema = z.strictObject({
  nodes: positive.optional(),
  seed: count.optional(),
  timeScale: z.number().positive().optional(),
  strategies: z.array(z.enum(strategies)).optional(),
  as: z.enum(['real', 'ideal']).optional(),
  /** `startLab` checks the names. */
  faithful: z.array(text as z.ZodType<FaithfulName>).optional(),
  behaviours: behaviours.optional(),
  apiservers: positive.optional(),
  servers: positive.optional(),
  balance: z.enum(balances).optional(),
  serverCount: positive.optional(),
  keepalive: z.strictObject({ agentsMs: duration.optional(), serversMs: duration.optional() }).optional(),
  controller: z.boolean().optional(),
  agentTokens: z.boolean().optional(),
});

const codes = Object.keys(errorTable) as [string, ...string[]];

/** What a request must come to. Without it: success, for a command with exit code 0. */
const expectSchema = z.strictObject({
  /** Text that the output has. */
  output: text.optional(),
  exitCode: count.optional(),
  /** The code of the failure, or `true` for any. */
  fails: z.union([z.literal(true), z.enum(codes)], 'must be true or an error code').optional(),
  /** Text that the message of the failure has. */
  says: text.optional(),
  /** Lab time from its start to its end. */
  took: z.strictObject({ atLeast: duration.optional(), atMost: duration.optional() }).optional(),
});

const words = {
  /** One sentence for people. */
  say: text.optional(),
  /** Asked before the step is taken. */
  question: text.optional(),
  /** The choices. */
  answers: z.array(text).min(2).max(3).optional(),
  /** What was measured, said after the step. */
  answer: text.optional(),
};
const request = {
  ...words,
  /** Its name for later steps. */
  as: text.optional(),
  /** The next step begins at once; a later step `join` waits for it. */
  background: z.boolean().optional(),
  expect: expectSchema.optional(),
};
const pod = { pod: text, namespace: text.optional(), container: text.optional() };
const match = z.union([text, z.number()]);
const pattern = z.object({ kind: text }).catchall(match);
const within = { within: duration.optional() };

/** Each step by its verb. */
export const stepSchemas = {
  exec: z.strictObject({
    exec: z.strictObject({ ...pod, command: z.array(z.string()).min(1), stdin: z.string().optional() }),
    ...request,
  }),
  logs: z.strictObject({ logs: z.strictObject({ ...pod, tail: positive.optional() }), ...request }),
  dial: z.strictObject({ dial: text, send: z.string().optional(), ...request }),
  api: z.strictObject({
    api: z.string().regex(/^(GET|POST|PUT|PATCH|DELETE) \/\S*$/, 'is no METHOD /path'),
    body: z.looseObject({}).optional(),
    ...request,
  }),
  webhook: z.strictObject({
    webhook: z.strictObject({
      at: z.enum(['service', 'url']).default('service'),
      policy: z.enum(['Fail', 'Ignore']).default('Fail'),
    }),
    ...words,
  }),
  watch: z.strictObject({
    watch: z.enum(['pods', 'nodes', 'services', 'configmaps', 'deployments']),
    ...words,
  }),
  join: z.strictObject({ join: text, expect: expectSchema.optional(), ...words }),
  fault: z.strictObject({ fault: z.union([text, z.looseObject({})]), ...words }),
  remove: z.strictObject({ remove: text, ...words }),
  heal: z.strictObject({ heal: z.literal(true), ...words }),
  part: z.strictObject({
    part: text,
    do: z.enum(['kill', 'start', 'restart', 'freeze', 'thaw', 'stop', 'drain']),
    ...words,
  }),
  apiservers: z.strictObject({
    apiservers: z.union([
      z.strictObject({ resize: positive }),
      z.strictObject({
        move: z.strictObject({
          connections: z.enum(['silence', 'reset']).optional(),
          outage: duration.optional(),
        }),
      }),
    ]),
    ...words,
  }),
  wait: z.strictObject({ wait: duration, ...words }),
  timeScale: z.strictObject({ timeScale: z.number().positive(), ...words }),
  events: z.strictObject({
    events: z.array(pattern),
    order: z.enum(['strict', 'any']).optional(),
    none: z.array(pattern).optional(),
    /** The name of a request, the ID of a fault, or `start`. Default: the step before. */
    since: text.optional(),
    ...within,
    ...words,
  }),
  connections: z.strictObject({
    connections: z.strictObject({ open: count.optional(), zombies: count.optional() }),
    ...within,
    ...words,
  }),
  explain: z.strictObject({
    /** The name of a request of an earlier step, or of the journal. */
    explain: text,
    cause: text,
    ...words,
  }),
  settled: z.strictObject({ settled: z.literal(true), ...within, ...words }),
} as const;

export type Verb = keyof typeof stepSchemas;

const stepUnion = z.union(Object.values(stepSchemas) as never as [z.ZodType, ...z.ZodType[]]);

export const scenarioSchema = z.strictObject({
  kind: z.literal('Scenario'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'must be small letters, digits and dashes'),
  /** What it shows, one sentence. */
  title: text,
  lab: labSchema.default({}),
  steps: z.array(stepUnion).min(1),
  /** For lessons: its place among them, those that follow from it, and the page of the docs with the details. */
  lesson: z.strictObject({ number: positive, next: z.array(positive), docs: text }).optional(),
  /** What happened, why, and what to do in a real cluster. For lessons. */
  summary: z.strictObject({ happened: text, why: text, todo: text }).optional(),
});

export type StepOf<V extends Verb> = z.output<(typeof stepSchemas)[V]>;
export type Expectation = z.output<typeof expectSchema>;

/** A step, checked, with its verb. */
export type Step = { readonly [V in Verb]: StepOf<V> & { readonly verb: V } }[Verb];
