import type { StatementNode, WordNode } from './bash-library.js';
import type { ShellLibrary } from './library.js';

export type Parsed =
  | { readonly kind: 'statements'; readonly statements: StatementNode[] }
  /** More lines could complete it: an open quote, loop, here-document, or a trailing operator. */
  | {
      readonly kind: 'incomplete';
      readonly message: string;
      /** A line that does not match cannot complete the script. */
      readonly needs?: RegExp;
    }
  | { readonly kind: 'error'; readonly message: string };

/** Parses shell text; never throws for what the text holds. */
export function parseScript(library: ShellLibrary, text: string): Parsed {
  if (/(^|[^\\])(\\\\)*\\\n?$/.test(text)) return incomplete('unexpected end of file');
  try {
    const { statements } = library.parse(text);
    if (/(\|\||&&|\|)\s*$/.test(text) && statements.length > 0) return incomplete('unexpected end of file');
    const delimiter = openHereDocument(statements);
    if (delimiter !== undefined)
      return incomplete('here-document without its end', new RegExp(`^\\t*${escaped(delimiter)}\\n?$`));
    return { kind: 'statements', statements };
  } catch (caught) {
    const error = caught as Error & { token?: { type?: string } };
    const message = error.message.replace(/^(Parse error at \d+:\d+|line \d+): /, '');
    if (error.token?.type === 'EOF' || message.includes('unexpected EOF'))
      return incomplete(message, missing(message));
    return {
      kind: 'error',
      message: message.startsWith('syntax error') ? message : `syntax error: ${message}`,
    };
  }
}

function incomplete(message: string, needs?: RegExp): Parsed {
  return {
    kind: 'incomplete',
    message: `syntax error: ${message}`,
    ...(needs === undefined ? {} : { needs }),
  };
}

/** The parser's names of what it expects at the end of the text. */
const tokens: Readonly<Record<string, RegExp>> = {
  DO: /\bdo\b/,
  DONE: /\bdone\b/,
  ESAC: /\besac\b/,
  FI: /\bfi\b/,
  RBRACE: /}/,
  RPAREN: /\)/,
  THEN: /\bthen\b/,
};

/** What the next lines must contain, as far as the parser's message tells. Without it every line is parsed. */
function missing(message: string): RegExp | undefined {
  const quoted = /looking for matching `(.)'/.exec(message)?.[1];
  if (quoted !== undefined) return new RegExp(escaped(quoted));
  return tokens[/^Expected (\w+), got EOF/.exec(message)?.[1] ?? ''];
}

/** The delimiter of the first here-document that has no end. */
function openHereDocument(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ('terminated' in node && node.terminated === false && 'delimiter' in node) return String(node.delimiter);
  for (const child of Object.values(node)) {
    const found = openHereDocument(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
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
