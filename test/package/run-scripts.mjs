// Runs scripts in the shell library of one place: `node run-scripts.mjs LIBRARY '["script", …]'`. Prints their results.
const [, , library, scripts] = process.argv;
const { Bash } = await import(library);
const results = [];
for (const script of JSON.parse(scripts)) {
  const files = { '/w/a': 'one\ntwo\n', '/w/b': 'two\nzwei\n', '/w/t.csv': 'k,v\n1,2\n' };
  const bash = new Bash({ files, cwd: '/w', env: { X: '1' }, defenseInDepth: false });
  const { stdout, stderr, exitCode } = await bash.exec(script);
  results.push({ script, stdout, stderr, exitCode });
}
process.stdout.write(JSON.stringify(results));
