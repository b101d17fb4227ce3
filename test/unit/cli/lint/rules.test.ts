import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ruleFamilies } from '../../../../src/cli/lint/rules.js';
import { samples } from './rule-samples.js';
import { findingsIn, type Sample } from './support.js';

const rules = Object.values(ruleFamilies).flat();
const idsIn = (sample: Sample): string[] => findingsIn(sample).map(({ rule }) => rule.id);
const textsIn = (sample: Sample, id: string): string[] =>
  findingsIn(sample).flatMap(({ rule, hit }) => (rule.id === id ? [hit.text] : []));

describe('the rules of konnsim lint', () => {
  it.each(Object.entries(samples))(
    '%s: fires on the fault, and is quiet on the mended set-up',
    (id, sample) => {
      expect(idsIn(sample.bad)).toContain(id);
      expect(idsIn(sample.good)).not.toContain(id);
    },
  );

  it('have a sample each', () => {
    expect(Object.keys(samples).toSorted()).toEqual(rules.map(({ id }) => id).toSorted());
  });

  it('find nothing in a set-up without a fault', () => {
    const sample = { servers: [{}], agents: [{}], balancer: { idleTimeoutMs: 60_000, replicas: 1 } };
    expect(idsIn(sample)).toEqual([]);
  });

  it('have names in kebab-case', () => {
    for (const { id } of rules) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('are all in docs/lint.md, with their texts', () => {
    const text = readFileSync(new URL('../../../../docs/lint.md', import.meta.url), 'utf8');
    const rows = text.split('\n').flatMap((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      return cells[1]?.startsWith('`') === true && cells.length === 7 ? [cells.slice(1, -1)] : [];
    });
    const expected = rules.map(({ id, severity, finds, why, fix, evidence }) => [
      `\`${id}\``,
      severity,
      finds,
      `${why} **${fix}**`,
      evidence,
    ]);
    expect(rows).toEqual(expected);
  });
});

describe('pings and timers:', () => {
  const minute = { idleTimeoutMs: 60_000 };

  it('the agent of gRPC takes 10 s for shorter times, also for 0', () => {
    expect(textsIn({ agents: [{ 'keepalive-time': '0' }] }, 'ping-too-often')).toEqual([
      'it pings every 10s, and servers accept one ping in 30s',
    ]);
  });

  it('a side that pings too late is one-sided when the other one pings in time', () => {
    const late = { 'keepalive-time': undefined };
    expect(idsIn({ servers: [late], agents: [late], balancer: minute })).toEqual([
      'keepalive-above-idle-timer',
      'keepalive-above-idle-timer',
    ]);
    expect(textsIn({ servers: [{}], agents: [late], balancer: minute }, 'keepalive-one-sided')).toEqual([
      'it pings after 1h0m0s, the default, while servers ping more often',
    ]);
  });

  it('with an idle timer of 20 s it is the servers that must ping', () => {
    const balancer = { idleTimeoutMs: 20_000 };
    expect(idsIn({ servers: [{ 'keepalive-time': '10s' }], agents: [{}], balancer })).toEqual([]);
    expect(idsIn({ servers: [{}], agents: [{}], balancer })).toEqual([
      'keepalive-above-idle-timer',
      'idle-timer-below-ping-limit',
    ]);
  });
});

describe('counts of servers:', () => {
  const low = 'server-count-below-replicas';

  it('several given servers are at least that many', () => {
    expect(textsIn({ servers: [{}, {}, {}] }, low)).toHaveLength(3);
  });

  it('agents that count leases or search for ever find all', () => {
    for (const flags of [{ 'sync-forever': 'true' }, { 'count-server-leases': 'true' }])
      expect(textsIn({ servers: [{}, {}], agents: [flags] }, low)).toEqual([]);
  });

  it('0 is 1, and a variable is not known', () => {
    const balancer = { replicas: 3 };
    expect(textsIn({ servers: [{ 'server-count': '0' }], balancer }, low)).toEqual([
      'it announces 1, and 3 servers run',
    ]);
    expect(textsIn({ servers: [{ 'server-count': '$(COUNT)' }], balancer }, low)).toEqual([]);
  });
});

describe('identifiers that never equal the host of a dial:', () => {
  it.each([
    ['ipv4=10.0.0.0/8', 'ipv4=10.0.0.0/8 never equals the host of a dial'],
    ['ipv6=[fd00::1]&host=node:10250', 'ipv6=[fd00::1], host=node:10250 never equal the host of a dial'],
    ['default-route=yes', 'default-route=yes does not mean true'],
  ])('%s', (text, expected) => {
    expect(textsIn({ agents: [{ 'agent-identifiers': text }] }, 'identifier-never-equal')).toEqual([
      expected,
    ]);
  });

  it.each(['default-route=false', 'default-route=$(ROUTE)', 'host=$(NODE_IP)', '$(ALL)', 'host=10.0.0.1'])(
    'but not %s',
    (text) => {
      expect(textsIn({ agents: [{ 'agent-identifiers': text }] }, 'identifier-never-equal')).toEqual([]);
    },
  );
});

describe('what the programs refuse', () => {
  it.each([
    [
      { servers: [{ 'server-cert': '/f/crt' }] },
      'cannot have server key empty when server cert is set to "/f/crt"',
    ],
    [
      { servers: [{ 'agent-namespace': 'a' }] },
      '--cluster-ca-cert can not be used when agent authentication is enabled',
    ],
    [{ servers: [{ 'proxy-strategies': 'cidr' }] }, 'invalid proxy strategies: unknown proxy strategy: cidr'],
    [{ agents: [{ 'agent-identifiers': 'zone=a' }] }, 'agent address is invalid: unknown address type: zone'],
    [{ agents: [{ 'sync-interval': '1m' }] }, 'sync interval 1m0s must be less than sync interval cap 10s'],
  ])('is told in their words: %j', (sample: Sample, text) => {
    expect(textsIn(sample, 'flags-refused').join()).toContain(text);
  });

  it('is not told when it depends on a variable, nor for files of other machines', () => {
    expect(textsIn({ servers: [{ mode: '$(MODE)' }, { 'agent-port': '$(PORT)' }] }, 'flags-refused')).toEqual(
      [],
    );
    expect(
      textsIn({ agents: [{ kubeconfig: '/not/here', 'agent-id': undefined }] }, 'flags-refused'),
    ).toEqual([]);
  });

  it.each([
    ['--agentPort=1', 'unknown flag: --agentPort; it is written --agent-port'],
    ['--sync-interval=1s', 'unknown flag: --sync-interval; it is a flag of proxy-agent'],
    ['--log_file=x', 'unknown flag: --log_file; it is written --log-file'],
    ['-x', "unknown shorthand flag: 'x' in -x"],
  ])('as unknown, with a guess: %s', (flag, text) => {
    expect(textsIn({ server: flag }, 'unknown-flag')).toEqual([text]);
  });

  it('does not hide what is behind it', () => {
    expect(idsIn({ server: '--no-such=1 --server-count=x --tls-min-version=VersionTLS10' })).toEqual([
      'unknown-flag',
      'invalid-value',
      'tls-version-old',
    ]);
  });
});
