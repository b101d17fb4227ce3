/** Replaces `$(NAME)` by the variable's value. `$$` becomes `$`, and an unknown name stays as it is. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  // A name goes to the next bracket, whatever is in between.
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (variables.get(name) ?? whole),
  );
}
