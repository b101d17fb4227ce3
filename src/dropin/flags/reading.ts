/** What became of a word on the command line: a value, or why it is none, in Go's words. */
export type Reading<V> = { readonly value: V } | { readonly fault: string };
