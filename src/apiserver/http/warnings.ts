import type { ServerResponse } from 'node:http';

/** When all texts of an answer together are longer than this, each is cut. */
const maxCharacters = 4096;
const maxWarningCharacters = 256;

/**
 * Makes a function that adds a text as `Warning` header to a response, with kube-apiserver's rules: no duplicates; no
 * empty texts or control characters; when all texts together are too long, each is cut, and later ones are left out.
 */
export function createWarner(response: ServerResponse): (text: string) => void {
  const texts = new Set<string>();
  const headers: string[] = [];
  let isCutting = false;
  let written = 0;
  const write = (text: string): void => {
    if (/\p{Cc}/u.test(text)) return;
    const characters = Array.from(isCutting ? text.slice(0, 2 * maxWarningCharacters) : text);
    const kept = isCutting ? characters.slice(0, maxWarningCharacters) : characters;
    written += kept.length;
    headers.push(`299 - "${kept.join('').replace(/["\\]/g, '\\$&')}"`);
  };
  return (text) => {
    if (text === '' || texts.has(text) || response.headersSent) return;
    if (isCutting && written >= maxCharacters) return;
    texts.add(text);
    if (!isCutting && written + text.length > maxCharacters) {
      isCutting = true;
      written = 0;
      headers.length = 0;
      for (const each of texts) write(each);
    } else write(text);
    // Node writes headers as Latin-1; clients read them as UTF-8.
    if (headers.length > 0)
      response.setHeader(
        'warning',
        headers.map((each) => Buffer.from(each).toString('latin1')),
      );
  };
}
