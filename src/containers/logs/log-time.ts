/** RFC 3339 in UTC with nine digits after the second: a kubelet's timestamps. */
export function rfc3339Nano(timeMs: number): string {
  const wholeMs = Math.floor(timeMs);
  const nanos = Math.min(999_999, Math.floor((timeMs - wholeMs) * 1e6));
  return new Date(wholeMs).toISOString().replace('Z', `${String(nanos).padStart(6, '0')}Z`);
}

/** RFC 3339 in UTC with whole seconds: times in Kubernetes objects. */
export function rfc3339(timeMs: number): string {
  return new Date(Math.floor(timeMs)).toISOString().replace(/\.\d+Z$/, 'Z');
}
