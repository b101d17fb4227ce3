import { TunnelError } from '../../core/errors.js';

/** A word of a command line, and the line of its file where it begins, from 1. */
export interface Word {
  readonly text: string;
  readonly line: number;
}

export type Role = 'server' | 'agent';

const piecePattern = /\\\r?\n|\\.|'[^']*'|"(?:\\.|[^"\\])*"|[ \t\r]+|\n|(?<!\S)#[^\n]*|[^\s\\'"]+|./gs;

/**
 * Splits a text into lines of words as a shell does: quotes, comments, `\` at the end of a line. Throws CONFIG_INVALID
 * for a quote that is not closed.
 */
export function shellLines(file: string, text: string, firstLine = 1): Word[][] {
  const lines: Word[][] = [[]];
  let line = firstLine;
  let word: { text: string; readonly line: number } | undefined;
  const endWord = (): void => {
    if (word !== undefined) lines.at(-1)?.push(word);
    word = undefined;
  };
  for (const [piece] of text.matchAll(piecePattern)) {
    if (piece === "'" || piece === '"') throw badInput(file, line, 'a quote is not closed');
    if (piece === '\n') {
      endWord();
      lines.push([]);
    } else if (/^[ \t\r]+$/.test(piece)) {
      endWord();
    } else if (!/^\\\r?\n$/.test(piece) && (word !== undefined || !piece.startsWith('#'))) {
      word ??= { text: '', line };
      word.text += unquoted(piece);
    }
    line += piece.split('\n').length - 1;
  }
  endWord();
  return lines;
}

function unquoted(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1);
  if (piece.startsWith('"')) return piece.slice(1, -1).replaceAll(/\\(["\\$`])/g, '$1');
  return piece.startsWith('\\') ? piece.slice(1) : piece;
}

const programName = /^(?:ExecStart=[-@:+!|]*)?(?:\S*\/)?(?:proxy|konnectivity)-(server|agent)$/;
const beforeProgram = /^(?:exec|sudo|[A-Z_][A-Z\d_]*=.*)$/s;

/**
 * Where a command line names one of the two programs, and which: as a path, after `ExecStart=`, or as its first word.
 * The word itself is the last of `before`.
 */
export function findProgram(
  words: readonly Word[],
): { readonly role: Role; readonly before: readonly Word[]; readonly after: readonly Word[] } | undefined {
  for (const [index, { text }] of words.entries()) {
    const role = text.startsWith('-') ? undefined : programName.exec(text)?.[1];
    if (role === undefined) continue;
    const isFirst = words.slice(0, index).every((word) => beforeProgram.test(word.text));
    if (isFirst || /[/=]/.test(text)) {
      return {
        role: role === 'server' ? 'server' : 'agent',
        before: words.slice(0, index + 1),
        after: words.slice(index + 1),
      };
    }
  }
  return undefined;
}

/** The failure of an input that cannot be read, with its place. */
export function badInput(file: string, line: number, what: string, hint?: string): TunnelError {
  const where = `${file}:${line}`;
  return new TunnelError('CONFIG_INVALID', `${where}: ${what}`, {
    where,
    hint: hint ?? 'Correct that line; `konnsim lint --help` says what files may hold.',
  });
}
