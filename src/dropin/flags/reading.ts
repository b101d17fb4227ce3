/** What is wrong with a number, in the words of Go's strconv. */
export type NumberFault = 'invalid syntax' | 'value out of range';

/** What became of a word on the command line: a value, or why it is none, in Go's words. */
export type Reading<V> = { readonly value: V } | { readonly fault: string; readonly why?: NumberFault };
