import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type Clock, createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import { createRandom, type Random } from '../core/random.js';
import { createTopology, type NodeSpec, type Topology } from '../lab/topology.js';
import { eventText } from '../observe/event-text.js';
import { createJournal } from '../observe/journal.js';
import { pairPaths, readKeyPair, readTrustedCertificates } from '../pki/files.js';
import type { TlsFiles } from '../wire/tls.js';
import { listenForSignals } from './signals.js';
import { createEventPrinter } from './terminal.js';

/** What a role that runs alone needs of its surroundings. */
export interface RoleGround {
  readonly clock: Clock;
  readonly random: Random;
  /** Prints events; those of packets only when asked to. */
  readonly emit: EventSink;
  readonly packetEvents: boolean;
}

export interface RoleFlags {
  readonly certs: string;
  readonly packets?: boolean;
}

/** Hands over how to end what was just started. */
export type Started = (close: () => Promise<void>) => void;

/**
 * Runs a role until a signal comes. `start` returns the lines that tell its real addresses. Whatever was started ends
 * again, the last first, also when the rest of the start fails. Resolves with the exit code.
 */
export async function runRole(
  flags: { readonly packets?: boolean },
  start: (ground: RoleGround, started: Started) => Promise<readonly string[]>,
): Promise<number> {
  collectPayloadsHere();
  const interruption = listenForSignals();
  const closes: (() => Promise<void>)[] = [];
  try {
    const lines = await start(createRoleGround(flags), (close) => void closes.unshift(close));
    // One write, so that no event comes between them.
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return await interruption.wanted;
  } finally {
    for (const close of closes) await close();
    interruption.dispose();
  }
}

/**
 * V8 frees the memory of Buffers in a thread beside ours, which is slow at it when they are many and short-lived, as
 * payloads are. For whole processes only: the flag is not a library's to set.
 */
function collectPayloadsHere(): void {
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
}

function createRoleGround({ packets = false }: { readonly packets?: boolean }): RoleGround {
  const clock = createRealClock();
  const journal = createJournal({ clock, capacity: 100 });
  const print = createEventPrinter();
  journal.subscribe((event) => print(eventText(event)));
  return { clock, random: createRandom(randomInt(2 ** 32)), emit: journal.emit, packetEvents: packets };
}

/** Reads one pair of a certificate folder and its CA. Rejects with FILE_UNREADABLE or CERT_INVALID. */
export async function readTls(folder: string, leaf: string): Promise<TlsFiles> {
  const pair = await readKeyPair(pairPaths(folder, leaf));
  return { ca: await readTrustedCertificates(join(folder, 'ca.crt')), cert: pair.certPem, key: pair.keyPem };
}

/** The standard cluster, the same in every process that is told the same number of nodes. */
export function standardTopology(nodes: number, kubernetesVersion: string): Topology {
  return createTopology({ nodes, random: createRandom(1), nowMs: Date.now(), kubernetesVersion });
}

/** One node of the standard cluster. Throws USAGE. */
export function findNode({ nodes }: Topology, name: string): NodeSpec {
  const found = nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  const names = nodes.map((node) => node.name).join(', ');
  throw new TunnelError('USAGE', `there is no node "${name}"; there are ${names}`, {
    hint: 'Name one of them, or raise --nodes.',
  });
}
