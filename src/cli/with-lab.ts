import { rmSync } from 'node:fs';
import type { Lab } from '../lab/lab.js';
import type { LabOptions } from '../lab/options.js';
import { startLabIn } from '../lab/start-lab.js';
import { createWorkFolder, type WorkFolder } from '../lab/work-folder.js';
import { type Interruption, listenForSignals } from './signals.js';

export interface WithLabOptions {
  readonly lab: LabOptions;
  /** Runs first. Signals are handled already. */
  readonly prepare?: () => Promise<void>;
  /** Gets the ready lab. Resolves with the exit code. */
  readonly use: (lab: Lab, interruption: Interruption) => Promise<number>;
  /** Removes other files of the command. Must be synchronous, because it also runs in a forced exit. */
  readonly cleanUp?: () => void;
}

/** Runs a lab for one command. No file is left at its end, also after a second Ctrl-C. */
export async function withLab({ prepare, cleanUp, ...options }: WithLabOptions): Promise<number> {
  const made: { folder?: WorkFolder } = {};
  const removeAll = (): void => {
    if (made.folder !== undefined) rmSync(made.folder.path, { recursive: true, force: true });
    cleanUp?.();
  };
  const interruption = listenForSignals({ beforeForcedExit: removeAll });
  try {
    await prepare?.();
    made.folder = await createWorkFolder();
    return await runLab(made.folder, options, interruption);
  } finally {
    removeAll();
    interruption.dispose();
  }
}

async function runLab(
  folder: WorkFolder,
  { lab: options, use }: WithLabOptions,
  interruption: Interruption,
): Promise<number> {
  const lab = await startLabIn(folder, options);
  try {
    return interruption.signal.aborted ? await interruption.wanted : await use(lab, interruption);
  } finally {
    await lab.stop();
  }
}
