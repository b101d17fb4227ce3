import type { NodeRuntime } from './runtime.js';
import { createSandboxRuntime, type SandboxOptions } from './sandbox-runtime.js';

/** `sandbox`: in memory, without access to the host. `process`: real processes of the host. */
export type RuntimeKind = 'sandbox' | 'process';

export const runtimeKinds = ['sandbox', 'process'] as const satisfies readonly RuntimeKind[];

export interface RuntimeOptions extends SandboxOptions {
  /** Where processes get their folders; the folder for temporary files when absent. */
  readonly folder?: string;
}

/** Starts the pods of a node. Rejects with CONFIG_INVALID, or FILE_UNWRITABLE when processes have no place. */
export async function createRuntime(kind: RuntimeKind, options: RuntimeOptions): Promise<NodeRuntime> {
  switch (kind) {
    case 'sandbox':
      return createSandboxRuntime(options);
    case 'process': {
      // Loaded when it is asked for: whoever did not ask cannot start a process.
      const { startProcessRuntime } = await import('./process/process-runtime.js');
      return startProcessRuntime(options);
    }
  }
}
