import type { Random } from '../../src/core/random.js';
import { oneIn, pick } from './packet-source.js';

type Maker = (random: Random) => string;

const number = (random: Random): number => random.below(oneIn(random, 5) ? 300 : 6);
const sign = (random: Random): string => pick(random, ['', '', '-', '+']);
const range: Maker = (random) => {
  const first = 1 + random.below(4);
  return pick(random, [
    `${first}`,
    `${first}-`,
    `-${first}`,
    `${first}-${first + random.below(4)}`,
    `${first},${first + 2}-`,
  ]);
};
const set: Maker = (random) =>
  pick(random, [
    'a-z',
    'A-Z',
    '[:lower:]',
    '[:upper:]',
    '[:space:]',
    '\\n',
    ' ',
    'ab',
    '\\000-\\037',
    '\\200-\\377',
    '[:alnum:]',
    '0-9',
  ]);
const flags = (random: Random, letters: string): string =>
  [...letters]
    .filter(() => oneIn(random, 3))
    .map((letter) => ` -${letter}`)
    .join('');

/** Programs that read standard input and write bytes. */
const filters: readonly Maker[] = [
  () => 'cat',
  (random) => `head -n ${pick(random, ['', '-'])}${number(random)}`,
  (random) => `head -c ${pick(random, ['', '-'])}${number(random)}`,
  (random) => `tail -n ${sign(random)}${number(random)}`,
  (random) => `tail -c ${sign(random)}${number(random)}`,
  (random) => `wc -${pick(random, ['l', 'w', 'c', 'm'])}`,
  (random) => `cut -${pick(random, ['b', 'c', 'f'])} ${range(random)}`,
  (random) => `cut -d '${pick(random, [' ', ':', 'a'])}' -f ${range(random)}${flags(random, 's')}`,
  (random) => `tr '${pick(random, ['a-z', '[:lower:]'])}' '${pick(random, ['A-Z', '[:upper:]', 'x'])}'`,
  (random) => `tr ${pick(random, ['-d', '-s', '-cd', '-cs'])} '${set(random)}'`,
  (random) => `sort${flags(random, 'rnufb')}`,
  (random) =>
    `sort -t '${pick(random, [' ', ':'])}' -k ${1 + random.below(3)}${pick(random, ['', 'n', 'r', 'nr'])}`,
  (random) =>
    `sort -k ${1 + random.below(2)},${1 + random.below(3)}${pick(random, ['', 'n', 'b'])}${flags(random, 'su')}`,
  (random) => `uniq${pick(random, ['', ' -c', ' -d', ' -u', ' -i', ' -f 1', ' -s 1', ' -w 1'])}`,
  (random) => `base64 -w ${pick(random, ['0', '1', '7', '76'])}`,
  () => 'base64 | base64 -d',
  () => 'gzip | gunzip',
  (random) => `gzip -c${pick(random, ['', ' -9'])} | cat | zcat`,
  (random) =>
    `od${pick(random, ['', ' -c', ' -An -tx1', ' -A x -t x1z', ' -x', ' -td2', ' -b', ' -to4 -v'])}`,
  (random) =>
    `dd bs=${1 + random.below(9)} count=${number(random)} skip=${number(random)} iflag=fullblock status=none`,
  (random) => `tee ${pick(random, ['', '-a '])}v${random.below(1000)}`,
  () => 'md5sum',
  () => 'sha256sum | cut -d " " -f 1',
  () => 'xargs -n 2 echo',
  (random) => {
    const file = `t${random.below(1000)}`;
    return `tee ${file} | cat - ${file} | wc -c; cat ${file} | ${filter(random)}`;
  },
];

/** Programs of the shell library, which work on text. */
const textFilters: readonly Maker[] = [
  (random) => `grep${flags(random, 'cvnw')} ${pick(random, ['a', 'b', 'zz', '^a', 'x$', '1'])}`,
  (random) => `grep -F${flags(random, 'cv')} ${pick(random, ['a', '.', 'a:b'])}`,
  (random) => `grep -E '${pick(random, ['a|b', 'a+', '^(a|1)', '[0-9]{2}'])}'`,
  (random) => `grep -q ${pick(random, ['a', 'zz'])}`,
  (random) => `sed '${pick(random, ['s/a/X/', 's/a/X/g', 's/^/> /', 's/[0-9]*$/N/', 's/\\(a\\)b/\\1-/'])}'`,
  (random) => `sed -n '${pick(random, ['1p', '2,3p', '/a/p', '$p'])}'`,
  (random) => `sed '${pick(random, ['1d', '/a/d', '2,$d', '/^$/d'])}'`,
  (random) =>
    `awk '${pick(random, ['{print $1}', '{print NF}', 'NR==2', '{s+=$1} END{print s+0}', '/a/', '{print $NF, NR}', '!seen[$0]++'])}'`,
  (random) => `awk -F: '${pick(random, ['{print $2}', 'NF>1', '{$1="q"; print}'])}'`,
];

const sources: readonly Maker[] = [
  (random) => `seq ${number(random)}`,
  (random) => `seq ${number(random)} ${1 + random.below(3)} ${number(random)}`,
  (random) =>
    `printf '${pick(random, ['a\\nb\\n', '\\101\\n', '%s\\n', 'x\\ty', '\\377\\n', '\\303\\274\\n'])}'`,
  (random) => `yes ${pick(random, ['', 'a b'])} | head -n ${number(random)}`,
  (random) => `head -c ${random.below(5000)} /dev/zero`,
  () => 'echo one two',
];

function filter(random: Random): string {
  return (oneIn(random, 4) ? pick(random, textFilters) : pick(random, filters))(random);
}

function pipeline(random: Random): string {
  const stages = Array.from({ length: 1 + random.below(3) }, () => filter(random));
  if (oneIn(random, 3)) stages.unshift(pick(random, sources)(random));
  return stages.join(' | ');
}

/** What may stand around a pipeline. */
const scripts: readonly Maker[] = [
  pipeline,
  pipeline,
  (random) => `n=${number(random)}; head -c $((n + 9)) | ${pipeline(random)}`,
  (random) => `cat > f; ${filter(random)} < f | ${filter(random)} > g; cat g; wc -c f g`,
  (random) => `cat > f; x=f; tail -c +${number(random)} $x | ${pipeline(random)}`,
  (random) => `x=$(${pipeline(random)} | base64 -w 0); echo "$x"`,
  (random) => `${pipeline(random)}; echo $?`,
  (random) => `if ${pipeline(random)} > o; then cat o; else echo no; fi`,
  (random) => `{ ${pipeline(random)}; echo end; } | ${filter(random)}`,
  (random) =>
    `cat | { ${pick(random, ['read x', 'cat', 'sort', 'head -c 0'])}; echo "<$x>"; cat; } | ${filter(random)}`,
  (random) => `${pipeline(random)} | while IFS= read -r l; do printf '%s\\n' "$l"; done`,
  (random) => `f() { ${filter(random)}; }; cat | f | ${filter(random)}`,
  (random) => `mkdir d; cat > d/f; cp d/f d/g; ln -s g d/l; cat d/l | ${filter(random)}; ls d; readlink d/l`,
  (random) => {
    const z = pick(random, ['', 'z']);
    return `mkdir d e; cat > d/f; tar c${z}f - d | tar x${z}f - -C e; tar cf - d | tar tf -; ${filter(random)} < e/d/f`;
  },
  (random) => `cat > f; tar cf a.tar f; rm f; tar xf a.tar; ${filter(random)} < f`,
  (random) => `cat > f; find . -name f | xargs cat | ${filter(random)}`,
  (random) => `cat > f; test -s f && ${filter(random)} < f || echo empty; stat -c %s f`,
];

/** A script that reads its standard input. */
export function someScript(random: Random): string {
  return pick(random, scripts)(random);
}
