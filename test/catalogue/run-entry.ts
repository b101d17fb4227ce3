import { describe, expect, it } from 'vitest';
import { type FaultDocument, type Lab, type PresetName, startLab } from '../../src/index.js';
import { planFault } from '../../src/links/fault-plan.js';
import { eventually, waitMs } from '../support/waits.js';
import { documentsOf, type Entry, type Inject, type Provoke, type TestedEntry } from './entry.js';
import { hostname, newestKubectl } from './provoke.js';

/** Its time runs fast, and a machine that rests for a second at the wrong moment is too late for it. */
const again = { retry: 2 } as const;

/** A lab that does not work again after so long runs at half the speed. */
const slowAfterMs = 5000;

/** One test for each entry: it works; the fault; the user is told; the journal has it; without the fault it works again. */
export function describeEntries(title: string, entries: readonly Entry[]): void {
  const tested = entries.filter((entry): entry is TestedEntry => 'inject' in entry);
  describe(title, () => {
    for (const entry of tested) {
      const { id, title: name, needsKubectl = false } = entry;
      it.skipIf(needsKubectl && newestKubectl === undefined)(`${id}: ${name}`, again, async () => {
        const { timeScale: _, ...options } = entry.lab ?? {};
        await using lab = await startLab({ nodes: 1, ...options });
        const end = await entry.prepare?.(lab);
        try {
          await runEntry(lab, entry);
        } finally {
          await end?.();
        }
      });
    }
  });
}

async function runEntry(lab: Lab, entry: TestedEntry): Promise<void> {
  const { provoke = hostname, works = 'web-1' } = entry;
  const { timeScale = 10 } = entry.lab ?? {};
  for (const { name } of lab.nodes) await lab.waitFor({ kind: 'agent.connected', node: `agent/${name}` });
  lab.timeScale = timeScale;
  await says(lab, provoke, works);
  lab.timeScale = timeScale;
  // Bytes that are still under way would meet the fault before the user does.
  if (entry.prepare === undefined) await lab.settled({ withinMs: waitMs * timeScale });
  const since = lab.mark();
  const heal = await inject(lab, entry.inject);
  await eventually(async () => expect(await line(lab, provoke)).toContain(entry.says));
  await lab.waitFor(entry.journal, { since, withinMs: waitMs * lab.timeScale });
  await heal();
  await says(lab, provoke, works);
}

/** What the user sees: an answer, or the text of an error. */
function line(lab: Lab, provoke: Provoke): Promise<string> {
  return provoke(lab).catch((error: Error) => error.message);
}

/** Asks until the user sees this; more slowly as time passes, since a busy machine may be too late for a fast lab. */
async function says(lab: Lab, provoke: Provoke, text: string): Promise<void> {
  const { timeScale } = lab;
  const from = performance.now();
  await eventually(async () => {
    lab.timeScale = Math.max(1, timeScale / 2 ** Math.floor((performance.now() - from) / slowAfterMs));
    expect(await line(lab, provoke)).toContain(text);
  });
}

/** Resolves with how to undo it. */
async function inject(lab: Lab, how: Inject): Promise<() => unknown> {
  if (typeof how === 'object' && 'run' in how) return how.run(lab);
  for (const document of documentsOf(how)) {
    const fault = lab.fault(document);
    if (comesByItself(document)) await fault.firstHit({ withinMs: waitMs * lab.timeScale });
  }
  return () => lab.heal();
}

/** A timer of its own begins it, not what the user does. */
function comesByItself(document: FaultDocument | PresetName): boolean {
  const { when } = planFault(document);
  return typeof when === 'object' && ('idleFor' in when || 'age' in when || 'every' in when);
}
