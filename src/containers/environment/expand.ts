/** Replaces `$(NAME)` by the variable's value. `$$` becomes `$`, and an unknown name stays as it is. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  let out = '';
  let doneTo = 0;
  // Kept from one name to the next: to search it each time would take long for a text of `$(` alone.
  let close = text.indexOf(')');
  for (let at = text.indexOf('$'); at !== -1; at = text.indexOf('$', doneTo)) {
    out += text.slice(doneTo, at);
    const next = text[at + 1];
    doneTo = at + (next === '$' ? 2 : 1);
    if (next === '(' && close !== -1 && close < at) close = text.indexOf(')', at);
    if (next !== '(' || close === -1) {
      out += '$';
      continue;
    }
    // A name goes to the next bracket, whatever is in between.
    doneTo = close + 1;
    out += variables.get(text.slice(at + 2, close)) ?? text.slice(at, doneTo);
  }
  return out + text.slice(doneTo);
}
