/** The part of the contract about requests and events. No module of node is imported here, either. */
import { z } from 'zod';
import { eventSchema } from './contract.js';

const target = {
  pod: z
    .string()
    .min(1)
    .meta({ description: '`pod` or `namespace/pod`.', examples: ['web-1'] }),
  container: z.string().min(1).optional().describe("Default: the pod's first."),
};
/** How long the answer may take, ms of real time. What is not over then goes on. */
const waitMs = z.int().min(0).max(60_000).default(10_000);

/** What a user does. */
export const requestOrderSchema = z
  .discriminatedUnion('verb', [
    z.strictObject({
      verb: z.literal('exec'),
      ...target,
      command: z.array(z.string()).min(1),
      stdin: z.string().optional().describe('The input of the command. Default: none.'),
      waitMs,
    }),
    z.strictObject({
      verb: z.literal('logs'),
      ...target,
      tailLines: z.int().nonnegative().optional(),
      waitMs,
    }),
    z.strictObject({
      verb: z.literal('port-forward'),
      pod: target.pod,
      port: z.int().min(1).max(65_535),
      send: z.string().default('GET / HTTP/1.0\r\n\r\n').describe('What is sent through it, once.'),
      waitMs,
    }),
  ])
  .meta({ id: 'RequestOrder', examples: [{ verb: 'exec', pod: 'web-1', command: ['hostname'] }] });

/** A request of any user, from the journal. Those of this API have their output, too. */
export const requestSchema = z
  .object({
    id: z.string().meta({ examples: ['exec-1'] }),
    verb: z.string(),
    node: z.string().describe('The part that the user asked: `client/lab` or an API server.'),
    path: z.string().describe('The path of an HTTP request, else `namespace/pod/container`.'),
    state: z.enum(['running', 'finished', 'failed']),
    seq: z.int().describe('The event with which it began.'),
    t: z.number().describe('When it began, ms of lab time.'),
    durationMs: z.number().optional(),
    exitCode: z.int().optional(),
    status: z.int().optional().describe('The HTTP status of the answer.'),
    error: z.string().optional().describe('What the user saw.'),
    code: z.string().optional(),
    stdout: z.string().optional().describe('At most the first 64 KiB.'),
    stderr: z.string().optional().describe('At most the first 64 KiB.'),
    truncated: z.boolean().optional().describe('There was more output.'),
  })
  .meta({ id: 'Request' });

/** Why a request failed (`docs/explain.md`). */
export const explanationSchema = z
  .object({
    request: z.string(),
    asked: z.string(),
    outcome: z.enum(['failed', 'finished', 'open']),
    line: z.string().describe('The line that the user saw.'),
    code: z.string().optional(),
    saidBy: z.string().describe('The part whose words the line has.'),
    causes: z.array(
      z.object({
        cause: z.string(),
        faults: z.string(),
        why: z.string(),
        evidence: z.array(z.int()).describe('The events that prove it.'),
        hint: z.string(),
      }),
    ),
    known: z.array(z.string()),
    missing: z.array(z.string()),
    text: z.string().describe('All of it for people.'),
  })
  .meta({ id: 'Explanation' });

/** A page of the journal. */
export const eventPageSchema = z
  .object({
    events: z.array(eventSchema),
    next: z.int().describe('Give it as `after` for the next page.'),
    newest: z.int().describe('The newest event of the journal.'),
    oldest: z.int().describe('The oldest event that the journal still has; 0 when it is empty.'),
  })
  .meta({ id: 'EventPage' });

/** A kind, and the fields that must match; `*` in a text stands for any characters. */
export const patternSchema = z
  .object({ kind: z.string().min(1) })
  .catchall(z.union([z.string(), z.number()]))
  .meta({ id: 'EventPattern', examples: [{ kind: 'agent.connected', node: 'agent/node-1' }] });

const since = z.int().nonnegative().default(0).describe('Only events after this one. Default: all.');

/** Waits for an event. */
export const waitOrderSchema = z
  .strictObject({
    event: patternSchema,
    since,
    withinMs: z.number().min(0).max(3_600_000).default(5000).describe('Lab time. Default 5000.'),
  })
  .meta({ id: 'WaitOrder' });

/** The event that was waited for. */
export const waitedSchema = z.object({ event: eventSchema }).meta({ id: 'Waited' });

/** Checks for several events. */
export const verifyOrderSchema = z
  .strictObject({
    events: z.array(patternSchema).max(100),
    none: z
      .array(patternSchema)
      .max(100)
      .default([])
      .describe('What must not happen before the last of them.'),
    order: z.enum(['strict', 'any']).default('strict'),
    since,
    withinMs: z.number().min(0).max(3_600_000).default(0).describe('Lab time. Default: what is there now.'),
  })
  .meta({ id: 'VerifyOrder' });

/** What a check found. */
export const verifiedSchema = z
  .object({
    verified: z.boolean(),
    events: z.array(eventSchema).describe('One for each pattern. Empty when it failed.'),
    text: z.string().optional().describe('What was missing, and the events that matched best.'),
  })
  .meta({ id: 'Verified' });

/** The last event of a stream (`event: end`), which says why it ends. */
export const streamEndSchema = z
  .object({
    reason: z.enum(['slow', 'stopped']).describe('`slow`: the journal dropped events before they were read.'),
    after: z.int().describe('The last event that was sent. Ask again after it.'),
    lost: z.int().optional().describe('How many events were dropped.'),
  })
  .meta({ id: 'StreamEnd' });

/** A request of any user. */
export type RequestView = z.output<typeof requestSchema>;
/** What a user does. */
export type RequestOrder = z.output<typeof requestOrderSchema>;
/** What an event must be. */
export type Pattern = z.output<typeof patternSchema>;
/** A page of the journal. */
export type EventPage = z.output<typeof eventPageSchema>;
/** What a check found. */
export type Verified = z.output<typeof verifiedSchema>;
/** The end of a stream. */
export type StreamEnd = z.output<typeof streamEndSchema>;
