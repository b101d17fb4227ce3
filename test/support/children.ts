import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { onTestFinished, TestRunner } from 'vitest';
import { once, soon } from './waits.js';

const tidyMs = 5_000;

const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/**
 * Ends a program with the test that started it, however the test ends. One that a hook started is ended by the other
 * hook; what is left after a whole file fails it (`setup.ts`).
 */
export function endsWithTest<C extends ChildProcess>(child: C): C {
  const test = TestRunner.getCurrentTest();
  // Of tests that run side by side, nobody knows which one this is.
  if (test !== undefined && test.concurrent !== true) onTestFinished(() => endChild(child));
  return child;
}

/** Lets a program tidy up, and kills it when that takes long. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (isOver(child) || child.pid === undefined) return;
  const ended = once(child, 'exit', { withinMs: tidyMs });
  child.kill('SIGTERM');
  await ended.catch(() => {
    if (isOver(child)) return;
    const killed = once(child, 'exit');
    child.kill('SIGKILL');
    return killed;
  });
}

/** A program and what it has printed. */
export interface Printing {
  readonly name: string;
  readonly child: ChildProcess;
  /** When it has ended and all its output is there. */
  readonly ended: Promise<unknown>;
  readonly output: () => string;
}

/** Resolves with the match once the output holds the pattern; rejects when the program ends, or time is up, without it. */
export function printed(program: Printing, pattern: RegExp): Promise<RegExpExecArray> {
  const { name, child, ended, output } = program;
  const streams = [child.stdout, child.stderr];
  return soon<RegExpExecArray>(
    (resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output());
        if (match === null) return;
        for (const stream of streams) stream?.off('data', look);
        resolve(match);
      };
      const gone = (): void => {
        look();
        reject(new Error(`${name} ended without printing ${pattern}; it printed:\n${output()}`));
      };
      for (const stream of streams) stream?.on('data', look);
      ended.then(gone, gone);
      look();
    },
    `${pattern} in what ${name} prints`,
    { seen: output },
  );
}

/** The programs below this one, by ID, with their command lines; none where the system has no /proc. */
export function childrenOfThis(): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  if (process.platform !== 'linux') return found;
  for (const task of readdirSync('/proc/self/task')) {
    for (const pid of readOrEmpty(`/proc/self/task/${task}/children`).split(' ').filter(Boolean)) {
      found.set(Number(pid), readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim());
    }
  }
  return found;
}

/** Empty when the program is gone meanwhile. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
