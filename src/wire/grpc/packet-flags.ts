import { setFlagsFromString } from 'node:v8';

/**
 * What V8 is told by processes that carry packets; for whole processes only, these are not a library's to set.
 *
 * - Payloads die young. They are freed soonest while the young generation stays small, by the thread that collects them.
 * - V8 counts the memory of payloads against the limit of its old generation, some 8 MiB above what lives there: a
 *   window or two under way, and it marks the whole heap, several times a second. With this much room it rarely does.
 *   Four times what lives is also what V8 gives a heap whose garbage comes slowly.
 */
export const packetFlags: readonly string[] = [
  '--semi-space-growth-factor=1',
  '--no-concurrent-array-buffer-sweeping',
  '--heap-growing-percent=300',
];

/** To be called before anything large is loaded. */
export function tuneForPackets(): void {
  for (const flag of packetFlags) setFlagsFromString(flag);
}
