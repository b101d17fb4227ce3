/** The result of reading a word of the command line: its value, or the fault in Go's words. */
export type ParseResult<V> = { readonly value: V } | { readonly fault: string };
