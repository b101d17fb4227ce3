/** RFC 3339 with whole seconds, the form of every `metav1.Time`. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
