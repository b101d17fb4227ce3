import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface Snippet {
  /** Where it stands, as the name of a file: `README-124.ts`. */
  readonly file: string;
  readonly text: string;
}

/** All blocks of TypeScript in the guides. One marked with more than `ts` is no program. */
export async function readSnippets(repository: string): Promise<Snippet[]> {
  const docs = (await readdir(join(repository, 'docs'))).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', ...docs.map((name) => join('docs', name))];
  const snippets = await Promise.all(
    pages.map(async (page) => {
      const text = await readFile(join(repository, page), 'utf8');
      return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code = '' }) => {
        const line = text.slice(0, index).split('\n').length;
        return { file: `${basename(page, '.md')}-${line}.ts`, text: asModule(code) };
      });
    }),
  );
  return snippets.flat();
}

/** A block that imports nothing goes on where another has begun: with the package's names, and a lab. */
function asModule(code: string): string {
  if (/^import /m.test(code)) return code;
  const lab = /\b(?:const|using) lab\b/.test(code)
    ? ''
    : "declare const lab: import('konnectivity-sim').Lab;\n";
  return `import { startLab, TunnelError } from 'konnectivity-sim';\n${lab}${code}`;
}
