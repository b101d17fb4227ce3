/** True when present, whatever it says, unless it says `false` or `0`. */
export function booleanParameter(query: URLSearchParams, name: string): boolean {
  const text = query.get(name)?.toLowerCase();
  return text !== undefined && text !== 'false' && text !== '0';
}
