import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Kubectl, KubectlBinary, KubectlProcess, RunOptions } from '../../support/kubectl.js';
import type { TestCluster } from '../cluster.js';

/** What a cell of the table gets: one kubectl, one cluster, one folder. */
export interface CellBench {
  readonly kubectl: Kubectl;
  readonly cluster: TestCluster;
  /** An empty folder of this kubectl's cells. */
  readonly folder: string;
  /** A name for an object that no other kubectl's cells use. */
  name(stem: string): string;
}

/** A connection that kubectl upgrades, by the façade's verb for it. */
export type StreamVerb = 'exec' | 'attach' | 'portforward';

/** Why a kubectl cannot pass a cell on any cluster, and how the test sees that. */
export interface CellLimit {
  readonly applies: (binary: KubectlBinary) => boolean;
  readonly reason: string;
  /** Checks that the kubectl fails for this reason. */
  readonly shows: (bench: CellBench) => Promise<void>;
}

/** One row of the table. */
export interface Cell {
  readonly name: string;
  /** The stream that it must open, with the protocol that its kubectl prefers. */
  readonly stream?: StreamVerb;
  /** The test file that already tests this with every kubectl of `npm test`. */
  readonly coveredBy?: string;
  readonly limit?: CellLimit;
  /** The release that the lab must report, where the usual one lacks what this kubectl needs. */
  readonly release?: (binary: KubectlBinary) => string | undefined;
  readonly run: (bench: CellBench) => Promise<void>;
}

/** Runs a kubectl that must succeed; returns its stdout. */
export async function succeed(
  { kubectl }: CellBench,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const result = await kubectl.run(args, { timeoutMs: 60_000, ...options });
  const { code, timedOut, stderr } = result;
  const said = `kubectl ${args.join(' ')}: ${stderr.slice(0, 2000)}`;
  expect({ code, timedOut }, said).toEqual({ code: 0, timedOut: false });
  return result.stdout;
}

/** Deletes objects, if they exist, without waiting for their grace period. */
export async function remove(bench: CellBench, ...names: readonly string[]): Promise<void> {
  const args = ['delete', ...names, '--ignore-not-found', '--grace-period=0', '--force', '--wait=false'];
  await bench.kubectl.run(args);
}

/** A pod that runs, made by kubectl. */
export async function runPod(bench: CellBench, name: string, image = 'konnsim/web'): Promise<void> {
  await succeed(bench, ['run', name, `--image=${image}`, '--restart=Never']);
  await succeed(bench, ['wait', `pod/${name}`, '--for=condition=Ready', '--timeout=30s']);
}

/**
 * Works in a shell on a terminal: it computes, knows the terminal's size and learns of another one. The marker of a
 * computed result cannot be the echo of what was typed.
 */
export async function useShell(shell: KubectlProcess): Promise<void> {
  const type = (line: string): void => void shell.child.stdin.write(`${line}\n`);
  await typeUntil(shell, () => type('echo got-$((40 + 2)); stty size'), /got-42\r?\n[^\d\n]*24 80\r?\n/);
  shell.resize(20, 90);
  // A resize is sent separately from stdin: ask again until it has arrived.
  await typeUntil(shell, () => type('stty size'), /(?<!\d)20 90\r?$/m);
}

/**
 * Types again and again: what is typed before the other end listens may be lost. Its echo may be before an answer, in
 * the same line.
 */
async function typeUntil(shell: KubectlProcess, type: () => void, wanted: RegExp): Promise<void> {
  const seen = shell.waitFor(wanted);
  type();
  const again = setInterval(type, 500);
  await seen.finally(() => clearInterval(again));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
