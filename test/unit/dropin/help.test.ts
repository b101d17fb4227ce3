import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { agentFlags } from '../../../src/dropin/agent/agent-flags.js';
import { parseAgentFlags } from '../../../src/dropin/agent/parse-agent-flags.js';
import type { FlagOutcome } from '../../../src/dropin/command-line.js';
import { parseServerFlags } from '../../../src/dropin/server/parse-server-flags.js';
import { serverFlags } from '../../../src/dropin/server/server-flags.js';
import { failure } from './support.js';

const programs = [
  { name: 'proxy-server', parse: parseServerFlags, flags: Object.entries(serverFlags) },
  { name: 'proxy-agent', parse: parseAgentFlags, flags: Object.entries(agentFlags) },
];

function printed(outcome: FlagOutcome<unknown>): string {
  return outcome.kind === 'print' ? outcome.text : outcome.kind;
}

describe.each(programs)('$name --help', ({ parse, flags }) => {
  const text = printed(parse(['--help'], {}));

  it('lists each flag once, without deprecated ones', () => {
    const listed = [...text.matchAll(/^ {2}(?:-\w, | {4})--([\w-]+)/gm)].map(([, name]) => name);
    const wanted = flags.filter(([, row]) => !('deprecated' in row)).map(([name]) => name);
    expect(listed).toHaveLength(new Set(listed).size);
    expect(new Set(listed)).toEqual(new Set(wanted));
  });

  it('fits in 100 columns and ends its lines without blanks', () => {
    for (const line of text.split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(100);
      expect(line).toBe(line.trimEnd());
    }
  });

  it('says which flags have no effect, and why', () => {
    const flat = text.replaceAll(/\s+/g, ' ');
    const ignored = flags.filter(([, row]) => row.effect === 'ignored' && !('deprecated' in row));
    expect(flat.match(/\[no effect: /g)).toHaveLength(ignored.length);
    expect(flat).toContain('--log-dir string Folder for log files. [no effect: log files do not exist here]');
  });

  it('shows defaults as Go prints them', () => {
    const flat = text.replaceAll(/\s+/g, ' ');
    expect(flat).toMatch(/--keepalive-time duration [^(]*\(default 1h0m0s\)/);
    expect(flat).toContain('-v, --v Level How much is logged; higher numbers log more. (default 4)');
    expect(flat).toMatch(/--admin-bind-address string [^(]*\(default "127\.0\.0\.1"\)/);
  });

  it('is printed by -h, also with faults in other flags', () => {
    expect(printed(parse(['-h', '--kubeconfig=/no'], {}))).toBe(text);
    expect(printed(parse(['--help=false', '--kubeconfig=/no'], {}))).toBe('error');
  });
});

describe.each(programs)('$name --version', ({ name, parse }) => {
  it('names the program and the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(printed(parse(['--version'], {}))).toContain(`${name} of konnectivity-sim ${version},`);
  });

  it('is refused when another flag is unknown', () => {
    const outcome: FlagOutcome<unknown> = parse(['--version', '--nope'], {});
    expect(failure(outcome).hint).toContain(`${name} --help`);
  });
});
