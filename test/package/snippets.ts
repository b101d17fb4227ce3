import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface Snippet {
  /** Where it stands, as the name of a file: `README-124.ts`, `testing-30.test.js`. */
  readonly file: string;
  readonly text: string;
}

/** All blocks of TypeScript in the guides, also those that a test runner runs. */
export async function readSnippets(repository: string): Promise<Snippet[]> {
  const programs = await blocks(repository, { mark: 'ts', ending: '.ts' });
  return [...programs, ...(await readTests(repository, 'vitest'))];
}

/** The tests in the guides, and how they are marked there. */
const tests = {
  jest: { mark: 'js jest', ending: '.test.js' },
  'node:test': { mark: 'js node:test', ending: '.test.js' },
  python: { mark: 'python', ending: '.py' },
  vitest: { mark: 'ts vitest', ending: '.test.ts' },
} as const;

/** The blocks that are tests for one runner. */
export async function readTests(repository: string, runner: keyof typeof tests): Promise<Snippet[]> {
  return blocks(repository, tests[runner]);
}

interface Kind {
  /** What stands behind the three backticks. */
  readonly mark: string;
  /** Of the name of the file. */
  readonly ending: string;
}

async function blocks(repository: string, { mark, ending }: Kind): Promise<Snippet[]> {
  const pattern = new RegExp(`^\`\`\`${mark}\n(.*?)^\`\`\`$`, 'gms');
  const docs = (await readdir(join(repository, 'docs'))).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', ...docs.map((name) => join('docs', name))];
  const snippets = await Promise.all(
    pages.map(async (page) => {
      const text = await readFile(join(repository, page), 'utf8');
      return [...text.matchAll(pattern)].map(({ index, 1: code = '' }) => {
        const line = text.slice(0, index).split('\n').length;
        return { file: `${basename(page, '.md')}-${line}${ending}`, text: asModule(code) };
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
