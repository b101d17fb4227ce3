/**
 * What the control API takes and answers: one zod schema for each resource. The server checks with them, the OpenAPI
 * document is made of them, and the page and the command line use their types. No module of node is imported here, nor by
 * what is imported here.
 */
import { z } from 'zod';
import { errorTable } from '../core/errors.js';

const codes = Object.keys(errorTable) as [keyof typeof errorTable, ...(keyof typeof errorTable)[]];

/** The default port of the page and the API. */
export const defaultControlPort = 7575;

const seq = z.int().nonnegative().describe('The number of an event in the journal.');
const labMs = z.number().nonnegative().describe('Milliseconds of lab time.');
const partName = z.string().meta({ description: '`<role>/<name>`.', examples: ['agent/node-1'] });

/** An answer that is an error, as RFC 9457 has it. */
export const problemSchema = z
  .object({
    type: z.string().describe('A name of this kind of error. Nothing can be fetched there.'),
    title: z.string().describe('The code in words.'),
    status: z.int(),
    detail: z.string().describe('What happened.'),
    code: z.enum(codes).describe('Stable: compare this.'),
    hint: z.string().describe('What to do about it.'),
    where: z.string().optional().describe('Where on the path it happened.'),
  })
  .meta({ id: 'Problem' });

/** One event. Which other fields it has depends on its kind. */
export const eventSchema = z
  .object({
    seq,
    t: labMs.describe('Milliseconds of lab time since the lab began.'),
    kind: z.string().meta({ examples: ['agent.connected'] }),
    node: partName,
  })
  .catchall(z.union([z.string(), z.number(), z.boolean()]))
  .meta({ id: 'Event' });

/** A part, and whether it works. */
export const partSchema = z
  .object({
    name: partName,
    role: z.enum(['apiserver', 'server', 'agent', 'kubelet']),
    running: z.boolean().describe('False after it was killed, until it is started.'),
    frozen: z.boolean().describe('Its connections stay open, and no byte passes.'),
    addresses: z.array(z.string()).describe('Where it listens. Empty for an agent, which only dials.'),
  })
  .meta({ id: 'Part' });

const graceMs = z
  .number()
  .min(0)
  .max(3_600_000)
  .describe('How long it waits for what is open, lab time. Default 30 000.');

const nodeSchema = z
  .object({ name: z.string(), ip: z.string(), kubeletPort: z.int() })
  .meta({ id: 'Node', description: 'A node. Its address is reached only through an agent.' });

const podSchema = z
  .object({ namespace: z.string(), name: z.string(), node: z.string(), containers: z.array(z.string()) })
  .meta({ id: 'Pod' });

/** The whole lab. */
export const clusterSchema = z
  .object({
    version: z.string().describe('The release of konnectivity-sim.'),
    seed: z.int().describe('The same seed repeats all random choices.'),
    timeScale: z.number().positive(),
    nowMs: labMs.describe('Lab time now: the `t` that an event would have.'),
    startedAt: z.iso.datetime().describe('The wall time at which `t` was 0.'),
    seq: seq.describe('The newest event.'),
    options: z.record(z.string(), z.unknown()).describe('The options that the lab was started with.'),
    apiServer: z.string().optional().describe('The URL of the API façade. Absent while it does not run.'),
    nodes: z.array(nodeSchema),
    parts: z.array(partSchema),
    pods: z.array(podSchema).describe('The pods that the lab began with.'),
  })
  .meta({ id: 'Cluster' });

/** What every change answers. */
export const changeSchema = z
  .object({
    seq: seq.describe('The newest event before the change: wait for events after it.'),
  })
  .meta({ id: 'Change' });

/** A change of a part. */
export const partChangeSchema = changeSchema.extend({ part: partSchema }).meta({ id: 'PartChange' });

/** What can be done to a part. */
export const partDeeds = ['kill', 'stop', 'start', 'restart', 'drain', 'freeze', 'thaw'] as const;

/** How parts are stopped and started again, as a rolling update does. */
export const rollOrderSchema = z
  .strictObject({
    parts: z
      .string()
      .min(1)
      .meta({ description: 'A pattern of names.', examples: ['server/*'] }),
    order: z.enum(['inTurn', 'reversed', 'together']).default('inTurn'),
    graceMs: graceMs.optional(),
  })
  .meta({ id: 'RollOrder' });

/** How a part is stopped. */
export const stopOrderSchema = z.strictObject({ graceMs: graceMs.optional() }).meta({ id: 'StopOrder' });

/** A link between two parts, whether it has connections or not. */
export const linkSchema = z
  .object({
    from: z.string().meta({ examples: ['agent/node-1'] }),
    to: z.string().meta({ examples: ['server/server-1'] }),
    flows: z.array(z.string()).describe('Its open connections, by the number that events have as `flow`.'),
    faults: z.array(z.string()).describe('The faults that are on it.'),
  })
  .meta({ id: 'Link' });

const belief = z
  .enum(['dialing', 'open', 'closing', 'gone', 'unknown'])
  .describe('`gone`: it does not hold the connection. `unknown`: that end is no part of the lab.');
const bytes = z.int().nonnegative();

/** A connection through the tunnel, as each end believes it. */
export const connectionSchema = z
  .object({
    request: z.string().optional().describe('The user request that dialled it.'),
    address: z.string().describe('The dialled endpoint.'),
    frontend: z.string().optional(),
    server: z.string(),
    agent: z.string().optional(),
    dialId: z.string(),
    connectId: z.string().optional(),
    atFrontend: belief,
    atServer: belief,
    atAgent: belief,
    toEndpointBytes: bytes.optional(),
    fromEndpointBytes: bytes.optional(),
    zombie: z.boolean().describe('One end holds it, and another does not.'),
    heldBy: z.array(z.enum(['frontend', 'server', 'agent'])),
  })
  .meta({ id: 'Connection' });

/** A fault as it is set, seen from outside: `docs/faults.md` has all fields. What it means is checked when it is set. */
export const faultDocumentSchema = z
  .looseObject({
    id: z.string().optional().describe('Default `fault-1`, `fault-2` …'),
    on: z
      .looseObject({ from: z.string().optional(), to: z.string().optional(), part: z.string().optional() })
      .optional()
      .describe('Patterns: the links between two parts, or one part. Default: all links.'),
    do: z
      .union([z.string(), z.record(z.string(), z.unknown())])
      .describe('Its name, or one name with settings, as in `{ "latency": { "delay": "50ms" } }`.'),
  })
  .meta({ id: 'FaultDocument', examples: [{ on: { from: 'agent/*', to: 'server/*' }, do: 'drop' }] });

/** What is set: a document, or a preset. */
export const faultOrderSchema = z
  .union([
    z.strictObject({
      preset: z.string().meta({ examples: ['idle-60s-drop'] }),
      on: faultDocumentSchema.shape.on,
    }),
    faultDocumentSchema,
  ])
  .meta({ id: 'FaultOrder' });

/** A fault that is on. */
export const faultSchema = z
  .object({
    id: z.string(),
    action: z.string().describe('What it does: a name of `/v1/faults/kinds`.'),
    does: z.string().describe('What that is, in one sentence.'),
    hits: z.int().nonnegative().describe('How often it has hit.'),
    document: faultDocumentSchema,
  })
  .meta({ id: 'Fault' });

/** A fault was set. */
export const faultChangeSchema = changeSchema.extend({ fault: faultSchema }).meta({ id: 'FaultChange' });

/** Faults were removed. */
export const healingSchema = changeSchema
  .extend({
    removed: z.array(z.string()).describe('The faults that were removed.'),
    healed: z.int().describe('What they had hit, and continues.'),
    broken: z.int().describe('What they had hit, and stays broken or has ended.'),
  })
  .meta({ id: 'Healing' });

/** A fault with a name. */
export const presetSchema = z
  .object({
    name: z.string(),
    like: z.string().describe('Whose behaviour it is like.'),
    document: faultDocumentSchema,
  })
  .meta({ id: 'Preset' });

/** A kind of fault: what may stand in `do`. */
export const faultKindSchema = z
  .object({
    name: z.string(),
    level: z.enum(['link', 'packet', 'part']),
    does: z.string(),
    lesson: z.string(),
    heals: z.string(),
    roles: z.array(z.string()).describe('The parts that can have it. Empty for other faults.'),
  })
  .meta({ id: 'FaultKind' });

/** What a fault would hit. */
export const reachSchema = z
  .object({
    action: z.string(),
    links: z.array(z.string()).describe('The links that it would be on: `agent/node-1 → server/server-1`.'),
    flows: z
      .array(z.object({ flow: z.string(), link: z.string() }))
      .describe('The open connections that it could hit.'),
    parts: z.array(z.string()).describe('The parts that it would be on.'),
    hitsNow: z.boolean().describe('False when it has only new connections to meet.'),
  })
  .meta({ id: 'Reach' });

/** The time of the lab. */
export const clockSchema = z.object({ timeScale: z.number().positive(), nowMs: labMs }).meta({ id: 'Clock' });

/** A new speed. */
export const clockPatchSchema = z
  .strictObject({
    timeScale: z
      .number()
      .positive()
      .max(10_000)
      .meta({ examples: [10] }),
  })
  .meta({ id: 'ClockPatch' });

/** The time of the lab after a change. */
export const clockChangeSchema = changeSchema.extend(clockSchema.shape).meta({ id: 'ClockChange' });

/** A certificate, without its key. */
export const certificateSchema = z
  .object({
    name: z.string(),
    authority: z.string().describe('The CA that signed it.'),
    subject: z.string(),
    names: z.string().describe('Subject alternative names.'),
    notBefore: z.iso.datetime(),
    notAfter: z.iso.datetime(),
    sha256: z.string().describe('Its fingerprint.'),
  })
  .meta({ id: 'Certificate' });

/** What `/v1:reset` has done. */
export const resetSchema = changeSchema
  .extend({ removed: z.array(z.string()), started: z.array(z.string()) })
  .meta({ id: 'Reset' });

/** Every error has one. */
export type Problem = z.output<typeof problemSchema>;
/** The state of a lab. */
export type Cluster = z.output<typeof clusterSchema>;
/** A part. */
export type Part = z.output<typeof partSchema>;
/** What can be done to a part. */
export type PartDeed = (typeof partDeeds)[number];
/** A link. */
export type Link = z.output<typeof linkSchema>;
/** A connection through the tunnel. */
export type Connection = z.output<typeof connectionSchema>;
/** A fault that is on. */
export type FaultView = z.output<typeof faultSchema>;
/** A document, or a preset. */
export type FaultOrder = z.output<typeof faultOrderSchema>;
/** What a fault would hit. */
export type Reach = z.output<typeof reachSchema>;
/** A kind of fault. */
export type FaultKindView = z.output<typeof faultKindSchema>;
/** A fault with a name. */
export type PresetView = z.output<typeof presetSchema>;
/** A certificate. */
export type CertificateView = z.output<typeof certificateSchema>;
