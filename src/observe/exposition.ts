/**
 * Prometheus' text as Go's client library writes it: metrics that have no value yet are left out, and small bounds of
 * buckets bear an exponent. People's rules match on both.
 */
export function asGoWrites(text: string): string {
  const families = text.split(/\n{2,}/).map((family) => family.trim());
  const shown = families.filter((family) => family.split('\n').some((line) => !line.startsWith('#')));
  return `${shown.map(withGoBounds).join('\n')}\n`;
}

/** Below 1e-4 Go changes to an exponent of two digits. */
function withGoBounds(family: string): string {
  return family.replaceAll(/le="(0\.0000\d+)"/g, (_whole, bound: string) => `le="${goExponent(bound)}"`);
}

function goExponent(bound: string): string {
  return Number(bound)
    .toExponential()
    .replace(/e-(\d)$/, 'e-0$1');
}
