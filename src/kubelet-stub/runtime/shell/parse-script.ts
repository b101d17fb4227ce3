import type { StatementNode, WordNode } from 'just-bash';
import type { ShellLibrary } from './library.js';

export type Parsed =
  | { readonly kind: 'statements'; readonly statements: StatementNode[] }
  /** More lines could make it whole: an open quote, loop, here-document, or a trailing operator. */
  | { readonly kind: 'incomplete'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string };

/** Parses shell text; never throws for what the text holds. */
export function parseScript(library: ShellLibrary, text: string): Parsed {
  if (/(^|[^\\])(\\\\)*\\\n?$/.test(text)) return incomplete('unexpected end of file');
  try {
    const { statements } = library.parse(text);
    if (/(\|\||&&|\|)\s*$/.test(text) && statements.length > 0) return incomplete('unexpected end of file');
    if (JSON.stringify(statements).includes('"terminated":false'))
      return incomplete('here-document without its end');
    return { kind: 'statements', statements };
  } catch (caught) {
    const error = caught as Error & { token?: { type?: string } };
    const message = error.message.replace(/^(Parse error at \d+:\d+|line \d+): /, '');
    if (error.token?.type === 'EOF' || message.includes('unexpected EOF')) return incomplete(message);
    return {
      kind: 'error',
      message: message.startsWith('syntax error') ? message : `syntax error: ${message}`,
    };
  }
}

function incomplete(message: string): Parsed {
  return { kind: 'incomplete', message: `syntax error: ${message}` };
}

/** A word that the shell takes as exactly `text`. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The text of a word that needs no expansion; `undefined` for all others. */
export function literalText(word: WordNode | null): string | undefined {
  let text = '';
  for (const part of word?.parts ?? []) {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
      case 'Escaped':
        text += part.value;
        break;
      case 'DoubleQuoted': {
        const inner = literalText({ type: 'Word', parts: part.parts });
        if (inner === undefined) return undefined;
        text += inner;
        break;
      }
      default:
        return undefined;
    }
  }
  return word === null ? undefined : text;
}
