/**
 * Prometheus' text as Go's client library writes it: metrics without a value are left out, and small bounds of buckets
 * have an exponent. Users' rules match both.
 */
export function asGoWrites(text: string): string {
  const families = text.split(/\n{2,}/).map((family) => family.trim());
  const shown = families.filter((family) => family.split('\n').some((line) => !line.startsWith('#')));
  return `${shown.map(withGoBounds).join('\n')}\n`;
}

/** Below 1e-4, Go writes an exponent of two digits. */
function withGoBounds(family: string): string {
  return family.replaceAll(/le="(0\.0000\d+)"/g, (_whole, bound: string) => `le="${goExponent(bound)}"`);
}

function goExponent(bound: string): string {
  return Number(bound)
    .toExponential()
    .replace(/e-(\d)$/, 'e-0$1');
}
