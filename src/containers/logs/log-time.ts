/** RFC 3339 in UTC with nine digits of a second, the form in which a kubelet writes timestamps. */
export function rfc3339Nano(timeMs: number): string {
  const wholeMs = Math.floor(timeMs);
  const nanos = Math.min(999_999, Math.floor((timeMs - wholeMs) * 1e6));
  return new Date(wholeMs).toISOString().replace('Z', `${String(nanos).padStart(6, '0')}Z`);
}

/** RFC 3339 in UTC with whole seconds, the form of times in Kubernetes objects. */
export function rfc3339(timeMs: number): string {
  return new Date(Math.floor(timeMs)).toISOString().replace(/\.\d+Z$/, 'Z');
}
