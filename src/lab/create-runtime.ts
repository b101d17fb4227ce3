import type { NodeRuntime } from '../containers/runtime.js';
import { createSandboxRuntime, type SandboxOptions } from '../containers/sandbox-runtime.js';

/** `sandbox`: in memory, without access to the host. `process`: real processes of the host. */
export type RuntimeKind = 'sandbox' | 'process';

export const runtimeKinds = ['sandbox', 'process'] as const satisfies readonly RuntimeKind[];

export interface RuntimeOptions extends SandboxOptions {
  /** The parent folder of the containers' folders; the folder for temporary files when absent. */
  readonly folder?: string;
}

/** Rejects: CONFIG_INVALID for a bad behaviour, FILE_UNWRITABLE when the containers' folders cannot be made. */
export async function createRuntime(kind: RuntimeKind, options: RuntimeOptions): Promise<NodeRuntime> {
  switch (kind) {
    case 'sandbox':
      await checkGiven(options.behaviours);
      return createSandboxRuntime(options);
    case 'process': {
      // Loaded on demand: without this choice no process can be started.
      const { startProcessRuntime } = await import('../containers/process/process-runtime.js');
      return startProcessRuntime(options);
    }
  }
}

/** The check is loaded only when there are behaviours to check. */
async function checkGiven(behaviours: unknown): Promise<void> {
  if (behaviours === undefined || (Array.isArray(behaviours) && behaviours.length === 0)) return;
  const { checkBehaviours } = await import('../containers/behaviour-schema.js');
  checkBehaviours(behaviours);
}
