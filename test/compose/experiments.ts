import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/experiments.md', import.meta.url), 'utf8');

/** A row of the table of faults: what kubectl prints, any of several texts. */
export interface Symptoms {
  readonly service: string;
  readonly killed: readonly string[];
  /** Of `kubectl logs` when an exec has no end. */
  readonly paused: readonly string[];
  readonly execHasNoEnd: boolean;
  /** Of a command that runs meanwhile; nothing when it ends with exit code 0. */
  readonly restarted: readonly string[];
}

/** The table of docs/experiments.md, so that it says what is seen. */
export function readSymptoms(): readonly Symptoms[] {
  const rows = section('What each fault looks like')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '));
  return rows.map(([service = '', killed = '', paused = '', restarted = '']) => ({
    service: quoted(service)[0] ?? '',
    killed: quoted(killed),
    paused: quoted(paused).filter((text) => !text.startsWith('kubectl ')),
    execHasNoEnd: paused.startsWith('no end'),
    restarted: quoted(restarted),
  }));
}

/** A line of an experiment and what the text beside it, `# when: what`, says of it. */
export interface Step {
  readonly line: string;
  readonly seen: string | undefined;
}

/** The lines of an experiment's commands, in order. */
export function readSteps(title: string): readonly Step[] {
  const blocks = section(title).matchAll(/^```sh\n(.*?)^```$/gms);
  const lines = [...blocks].flatMap(([, block = '']) => block.split('\n')).filter((line) => line !== '');
  return lines.map((line) => ({ line, seen: /# .*: (.*)$/.exec(line)?.[1] }));
}

function section(title: string): string {
  const found = page.split(/^## /m).find((each) => each.startsWith(title));
  if (found === undefined) throw new Error(`docs/experiments.md has no section "${title}"`);
  return found;
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}
