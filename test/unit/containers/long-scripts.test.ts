import { describe, expect, it } from 'vitest';
import { discardSink } from '../../../src/containers/io/byte-sink.js';
import { bytesSource, Input } from '../../../src/containers/io/byte-source.js';
import * as library from '../../../src/containers/shell/bash-library.js';
import type { ShellLibrary } from '../../../src/containers/shell/library.js';
import { LineSource } from '../../../src/containers/shell/script-sources.js';
import { run, sandbox } from './support.js';

/** How much text is parsed until the first statement of a script on standard input is complete, relative to its length. */
async function parsedShare(script: string): Promise<number> {
  let parsed = 0;
  const counting: ShellLibrary = {
    ...library,
    parse(text: string) {
      parsed += text.length;
      return library.parse(text);
    },
  };
  const input = new Input(bytesSource(Buffer.from(script)));
  const source = new LineSource({ library: counting, input, stdout: discardSink, stderr: discardSink });
  const statements = await source.next({ cwd: '/', env: {}, status: 0 });
  expect(statements).toHaveLength(1);
  return parsed / script.length;
}

const lines = (count: number, text: string): string => `${text}\n`.repeat(count);

describe('a long script on standard input', () => {
  it.each([
    ['if', `if true; then\n${lines(2000, 'echo "a" # of a file')}fi\n`],
    ['for', `for x in 1; do\n${lines(2000, 'echo $x')}done\n`],
    ['function', `f() {\n${lines(2000, 'echo a')}}\n`],
    ['subshell', `(\n${lines(2000, 'echo a')})\n`],
    ['quotes', `echo '\n${lines(2000, 'it is "quoted"')}'\n`],
    ['here-document', `cat <<END\n${lines(20_000, 'ten letters')}END\n`],
    ['here-document with tabs', `cat <<-END\n${lines(2000, '\tEND of it')}\tEND\n`],
    ['nested', `if true; then\nwhile true; do\n${lines(2000, 'echo a')}done\n${lines(2000, 'echo b')}fi\n`],
  ])('is parsed a few times, not once for each line: %s', async (_, script) => {
    expect(await parsedShare(script)).toBeLessThan(5);
  });

  it('runs statement by statement', async () => {
    const box = sandbox();
    const script = [
      'if true; then\necho fi of "if"; if true; then echo in; fi\nelse\necho no\nfi',
      'case x in\na) echo a;;\nx)\necho x\n;;\nesac',
      'cat <<A; cat <<-"B"\n$HOME END\nA\n\tEND $x\n\tB',
      'f() {\necho "in f }"\necho ${HOME}\n}\nf',
      "echo 'one\ntwo'",
      'echo $(\necho a)',
    ].join('\n');
    const { out, err } = await run(box.runtime, ['sh'], `${script}\n`);
    expect(err).toBe('');
    expect(out).toBe('fi of if\nin\nx\n/root END\nEND $x\nin f }\n/root\none\ntwo\na\n');
    await box.runtime.close();
  });
});
