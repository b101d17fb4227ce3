/** What is wrong with a number, in the words of Go's strconv. */
export type NumberFault = 'invalid syntax' | 'value out of range';
/** The result of reading a word of the command line: its value, or the fault in Go's words. */
export type ParseResult<V> = { readonly value: V } | { readonly fault: string; readonly why?: NumberFault };
