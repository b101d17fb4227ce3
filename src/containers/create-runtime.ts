import type { NodeRuntime } from './runtime.js';
import { createSandboxRuntime, type SandboxOptions } from './sandbox-runtime.js';

/** `sandbox`: in memory, without access to the host. `process`: real processes of the host. */
export type RuntimeKind = 'sandbox' | 'process';

export const runtimeKinds = ['sandbox', 'process'] as const satisfies readonly RuntimeKind[];

export interface RuntimeOptions extends SandboxOptions {
  /** Where processes get their folders; the folder for temporary files when absent. */
  readonly folder?: string;
}

/**
 * Starts the pods of a node. Rejects with CONFIG_INVALID for a behaviour that cannot work, or
 * FILE_UNWRITABLE when processes have no place.
 */
export async function createRuntime(kind: RuntimeKind, options: RuntimeOptions): Promise<NodeRuntime> {
  switch (kind) {
    case 'sandbox':
      await checkGiven(options.behaviours);
      return createSandboxRuntime(options);
    case 'process': {
      // Loaded when it is asked for: whoever did not ask cannot start a process.
      const { startProcessRuntime } = await import('./process/process-runtime.js');
      return startProcessRuntime(options);
    }
  }
}

/** The check is loaded when there is something to check. */
async function checkGiven(behaviours: unknown): Promise<void> {
  if (behaviours === undefined || (Array.isArray(behaviours) && behaviours.length === 0)) return;
  const { checkBehaviours } = await import('./behaviour-schema.js');
  checkBehaviours(behaviours);
}
