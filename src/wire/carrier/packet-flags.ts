import { setFlagsFromString } from 'node:v8';

/**
 * V8's flags for processes that carry packets. They change a whole process, so a library must not set them.
 *
 * - Payloads live shortly. The thread that collects the young generation frees them soonest while it is small.
 *
 * - V8 counts the memory of payloads against the limit of its old generation, some 8 MiB above what lives there. One or
 * two windows under way reach it, and V8 then marks the whole heap, several times a second. With this much room it
 * rarely does. Four times the live bytes is also what V8 gives a heap whose garbage grows slowly.
 */
export const packetFlags: readonly string[] = [
  '--semi-space-growth-factor=1',
  '--no-concurrent-array-buffer-sweeping',
  '--heap-growing-percent=300',
];

/** Call this before large modules are loaded. */
export function tuneForPackets(): void {
  for (const flag of packetFlags) setFlagsFromString(flag);
}
