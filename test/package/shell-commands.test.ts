import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { commandTable } from '../../src/containers/commands/table.js';
import { getCommandNames } from '../../src/containers/shell/bash-library.js';

/** A small use of each command, where its help says too little about whether it works. */
const uses: Readonly<Record<string, string>> = {
  awk: `awk -F, '{ print $2; printf "%05.2f\\n", 2 }' t.csv`,
  base64: 'base64 a | base64 -d',
  bash: "bash -c 'echo $0 $X'",
  cat: 'cat -n a b',
  chmod: 'chmod 600 a; stat -c %a a',
  clear: 'clear',
  column: 'column -t -s, t.csv',
  comm: 'comm a b',
  cp: 'cp -r /w /v; ls /v',
  cut: 'cut -d, -f2 t.csv',
  date: 'date -u -d @0',
  diff: 'diff -u a b | tail -n 3',
  dirname: 'dirname /w/a',
  du: 'du -a',
  egrep: "egrep 'o(n|x)e' a",
  env: 'env -i Y=2 printenv Y',
  expr: 'expr 2 + 3',
  fgrep: 'fgrep two a b',
  false: 'false || echo no',
  file: 'file a t.csv',
  find: "find . -name '*.csv' -type f",
  fold: 'fold -w 2 a',
  grep: "grep -En '(t)wo' a b",
  gunzip: 'gzip a; gunzip a.gz; cat a',
  gzip: 'gzip -k a; gzip -l a.gz | wc -l',
  help: 'help',
  'html-to-markdown': "echo '<h1>x</h1><ul><li>y</ul>' | html-to-markdown",
  join: 'join -1 1 -2 1 a b',
  jq: `echo '{"a":[1,{"b":2}]}' | jq -c '.a[1].b, (.a | length)'`,
  ln: 'ln -s a c; readlink c',
  ls: 'ls -1a',
  md5sum: 'md5sum a',
  mkdir: 'mkdir -p x/y; ls x',
  mv: 'mv a c; ls',
  nl: 'nl a',
  od: 'od -c a',
  paste: 'paste -d: a b',
  printenv: 'printenv X',
  printf: "printf '%s %05d %x\\n' a 7 255; printf '%.3e' 12345",
  pwd: 'pwd',
  rev: 'rev a',
  rg: 'rg -n two',
  rm: 'rm -r a; ls',
  sed: `sed -E 's/(o)ne/\\1NE/; 2d' a`,
  seq: 'seq 1 2 5',
  sh: "sh -c 'for x in 1 2; do echo $x; done'",
  sha1sum: 'sha1sum a',
  sha256sum: 'sha256sum a',
  sleep: 'sleep 0',
  sort: 'sort -r a b | uniq -c',
  split: 'split -l 1 a; ls',
  stat: "stat -c '%n %s' a",
  strings: 'strings a',
  tac: 'tac a',
  tail: 'tail -n 1 a',
  tee: 'echo x | tee c; cat c',
  time: 'command time -f %C true',
  timeout: 'timeout 5 echo x',
  touch: 'touch d; ls',
  tr: 'tr a-z A-Z < a',
  tree: 'tree',
  uniq: 'cat a b | uniq',
  wc: 'wc a b',
  which: 'which ls',
  whoami: 'whoami',
  xan: 'xan select v t.csv; xan count t.csv',
  xargs: 'cat a | xargs -n 1 echo -',
  yq: `printf 'a:\\n  - b: 1\\n' | yq -o json .a[0]; echo '<a><b>1</b></a>' | yq -p xml .a.b; echo 'x = 1' | yq -p toml .x`,
  zcat: 'gzip a; zcat a.gz',
};

// `tar` is left out of the bundle: the sandbox's own takes all arguments, so the library's is never asked.
const names = getCommandNames().filter((name) => name !== 'tar');
const scripts = names.map((name) => uses[name] ?? `${name} --help`);

async function resultsOf(library: string): Promise<unknown> {
  const program = fileURLToPath(new URL('./run-scripts.mjs', import.meta.url));
  const args = [program, library, JSON.stringify(scripts)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
  return JSON.parse(stdout);
}

describe('the shell library in the package', () => {
  it('does in each command what the library does that it was made of', async () => {
    const bundle = new URL('../../dist/containers/shell/bash-library.js', import.meta.url).href;
    const [bundled, installed] = [await resultsOf(bundle), await resultsOf('just-bash')];
    expect(bundled).toEqual(installed);
    const failed = (installed as { exitCode: number; script: string }[]).filter(
      ({ exitCode }) => exitCode !== 0,
    );
    expect(failed).toEqual([]);
  }, 200_000);

  it('lacks only what the sandbox does itself', () => {
    const tar = commandTable.get('tar');
    expect([[], ['--help'], ['-x', 'a'], ['anything']].map((args) => tar?.accepts(args))).not.toContain(
      false,
    );
  });
});
