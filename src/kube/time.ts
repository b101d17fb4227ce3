/** RFC 3339 in UTC with whole seconds: `metav1.Time`, the form of times in Kubernetes objects. */
export function rfc3339(timeMs: number): string {
  return new Date(Math.floor(timeMs)).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `metav1.MicroTime`: Go reads it only with six digits. */
export function microTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z');
}

/** With nine digits of a second, the form in which a kubelet writes timestamps. */
export function rfc3339Nano(timeMs: number): string {
  const wholeMs = Math.floor(timeMs);
  const nanos = Math.min(999_999, Math.floor((timeMs - wholeMs) * 1e6));
  return new Date(wholeMs).toISOString().replace('Z', `${String(nanos).padStart(6, '0')}Z`);
}

const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds; undefined for what is no time. */
export function parseRfc3339(text: string): number | undefined {
  const timeMs = form.test(text) ? Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
