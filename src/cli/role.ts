import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Option } from 'commander';
import { type Clock, createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import { createRandom, type Random } from '../core/random.js';
import { createWallClock } from '../core/wall-clock.js';
import { createTopology, type NodeSpec, type Topology, type TopologyOptions } from '../lab/topology.js';
import { eventText } from '../observe/event-text.js';
import { EventTimes } from '../observe/event-times.js';
import { createJournal, type Journal } from '../observe/journal.js';
import { authorityOf, usagesOf } from '../pki/certificate-set.js';
import { pairPaths, readKeyPair, readTrustedCertificates } from '../pki/files.js';
import type { KeyUsage } from '../pki/subject.js';
import { exists } from '../pki/text-files.js';
import { tuneForPackets } from '../wire/carrier/packet-flags.js';
import type { Renewable, TlsFiles } from '../wire/net/tls.js';
import { TlsFilesGroup } from '../wire/net/tls-files-group.js';
import { listenForSignals } from './signals.js';
import { createEventPrinter } from './terminal.js';
import { option, portNumber } from './values.js';

export interface RoleContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Prints events, but those of packets only with `--packets`. */
  readonly emit: EventSink;
  readonly packetEvents: boolean;
  /** Aborts when the role must end. Waiting then stops. */
  readonly signal: AbortSignal;
}

export interface CommonFlags {
  readonly packets?: boolean;
  readonly certs?: string;
  readonly adminPort?: number;
  readonly adminAddress?: string;
  /** False prints no events. Default true. */
  readonly events?: boolean;
}

export interface RoleFlags extends CommonFlags {
  readonly certs: string;
}

/** Options of every role, without `--certs`. */
export const commonOptions = {
  packets: () => option('--packets', 'print packets, too'),
  adminPort: () =>
    option(
      '--admin-port <port>',
      'mTLS port that serves events to `konnsim events`; default: no such port',
    ).argParser(portNumber),
  adminAddress: () =>
    option('--admin-address <address>', 'where the admin port listens').default('127.0.0.1'),
} as const satisfies Record<string, () => Option>;

/** Registers a function that ends a part which was just started. */
export type Started = (close: () => Promise<void>) => void;

/**
 * Runs a role until a signal comes. `start` returns lines with its real addresses. All started parts are ended in
 * reverse order, also when the rest of the start fails. Resolves with the exit code.
 */
export async function runRole(
  flags: CommonFlags,
  start: (context: RoleContext, started: Started) => Promise<readonly string[]>,
): Promise<number> {
  tuneForPackets();
  const interruption = listenForSignals();
  const closes: (() => Promise<void>)[] = [];
  try {
    const context = createRoleContext(flags, interruption.signal);
    const started: Started = (close) => void closes.unshift(close);
    const lines = [...(await start(context, started))];
    if (flags.adminPort !== undefined) {
      const { startAdminPort } = await import('./admin/admin.js');
      const { adminAddress: host = '127.0.0.1', adminPort: port, certs = 'certs' } = flags;
      const tls = await readTls(certs, 'observe');
      const admin = await startAdminPort({
        host,
        port,
        tls,
        journal: context.journal,
        clock: context.clock,
        times: context.times,
      });
      started(() => admin.close());
      lines.push(`admin ${admin.address}`);
    }
    // One write, so that no event comes between them.
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return await interruption.wanted;
  } catch (caught) {
    // A start fails when it is interrupted. The exit code is then the signal's.
    if (interruption.signal.aborted) return await interruption.wanted;
    throw caught;
  } finally {
    for (const close of closes) await close();
    interruption.dispose();
  }
}

interface JournalContext extends RoleContext {
  readonly journal: Journal;
  readonly times: EventTimes;
}

function createRoleContext(
  { packets = false, adminPort, events = true }: CommonFlags,
  signal: AbortSignal,
): JournalContext {
  const clock = createRealClock();
  const observed = adminPort !== undefined;
  const journal = createJournal({ clock, capacity: observed ? heldEvents : 100 });
  const times = new EventTimes(createWallClock(clock));
  const print = createEventPrinter();
  journal.subscribe((event) => {
    times.note(event.t);
    if (events && (packets || event.kind !== 'packet')) print(eventText(event));
  });
  const random = createRandom(randomInt(2 ** 32));
  const packetEvents = packets || observed;
  return { clock, random, emit: journal.emit, packetEvents, signal, journal, times };
}

/** How many events are kept for clients that connect later. */
const heldEvents = 20_000;

interface LeafUse {
  readonly usages?: readonly KeyUsage[];
  /** The leaf whose CA is trusted. Default: the same. */
  readonly peer?: string;
}

/** One pair of a folder, and its CA. Rejects: FILE_UNREADABLE, or CERT_INVALID, also for a wrong use. */
export async function readTls(
  folder: string,
  leaf: string,
  { usages = usagesOf(leaf), peer = leaf }: LeafUse = {},
): Promise<TlsFiles> {
  const pair = await readKeyPair(pairPaths(folder, leaf), usages);
  return {
    ca: await readAuthorities(folder, peer),
    cert: pair.certPem,
    key: pair.keyPem,
  };
}

/** Older folders have only `ca.crt`, which signed all certificates. */
async function readAuthorities(folder: string, leaf: string): Promise<string> {
  const path = authorityPath(folder, leaf);
  if ((await exists(path)) || !(await exists(join(folder, 'ca.crt')))) return readTrustedCertificates(path);
  throw new TunnelError('FILE_UNREADABLE', `${path}: no such file`, {
    where: path,
    hint: 'Each kind of connection has its own CA. Replace the certificates with `konnsim certs --force`.',
  });
}

function authorityPath(folder: string, leaf: string): string {
  return join(folder, `${authorityOf(leaf)}.crt`);
}

/** Reads a leaf of the certificate folder, and follows its changes until the role ends. */
export type UseTls = (leaf: string, use?: LeafUse) => Promise<Renewable<TlsFiles>>;

/** Makes `UseTls` for one role. `node` is its name in events. */
export function tlsUser(
  { certs }: RoleFlags,
  { clock, emit }: RoleContext,
  { node, started }: { readonly node: string; readonly started: Started },
): UseTls {
  const group = new TlsFilesGroup({ node, clock, emit });
  started(() => group.close());
  return (leaf, use) => {
    const { certPath, keyPath } = pairPaths(certs, leaf);
    const files = [authorityPath(certs, use?.peer ?? leaf), certPath, keyPath];
    return group.use(files, () => readTls(certs, leaf, use));
  };
}

/** The standard cluster. It is the same in every process with the same number of nodes. */
export function standardTopology(
  nodes: number,
  kubernetesVersion: string,
  names: Pick<TopologyOptions, 'most' | 'namePrefix'> = {},
): Topology {
  const random = createRandom(1);
  return createTopology({ nodes, random, nowMs: Date.now(), kubernetesVersion, ...names });
}

/** One node of the standard cluster. Throws USAGE. */
export function findNode({ nodes }: Topology, name: string): NodeSpec {
  const found = nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  const names = nodes.map((node) => node.name).join(', ');
  throw new TunnelError('USAGE', `there is no node "${name}"; there are ${names}`, {
    hint: 'Choose one of them, or a larger number with --nodes.',
  });
}
