import { describe, expect, it } from 'vitest';
import { programsOfText } from '../../../../src/cli/lint/command-text.js';
import { type FoundProgram, programsOfManifest } from '../../../../src/cli/lint/manifest.js';
import { readProgram } from '../../../../src/cli/lint/programs.js';

const seen = (found: readonly FoundProgram[]): unknown[] =>
  found.map(({ role, line, words }) => [role, line, ...words.map((word) => `${word.line}:${word.text}`)]);
const inText = (text: string): unknown[] => seen(programsOfText('f', text, 'server'));

describe('command lines', () => {
  it('are all words of a file, when it does not name a program', () => {
    expect(inText('--uds-name=/s # the socket\n--server-count\n  3\n')).toEqual([
      ['server', 1, '1:--uds-name=/s', '2:--server-count', '3:3'],
    ]);
  });

  it('begin at the name of a program, which decides what they are', () => {
    const text =
      '# ours\nproxy-server --v=1 \\\n  --server-count 3\nroot 7 0.0 /opt/konnectivity-agent --v=2\n  --sync-forever\n';
    expect(inText(text)).toEqual([
      ['server', 2, '2:--v=1', '3:--server-count', '3:3'],
      ['agent', 4, '4:--v=2', '5:--sync-forever'],
    ]);
  });

  it('are found in a unit of systemd', () => {
    const unit =
      '[Unit]\nDescription=the proxy-server\n[Service]\nExecStart=/usr/bin/proxy-server --server-count=3 \\\n --v=1\nRestart=always\n';
    expect(inText(unit)).toEqual([['server', 4, '4:--server-count=3', '5:--v=1']]);
  });

  it('are read as a shell reads them, up to an operator', () => {
    const text = `exec proxy-server --agent-namespace='a b' --server-id="x\\"y" --v=\\1 > /var/log/k 2>&1 &`;
    expect(inText(text)).toEqual([['server', 1, '1:--agent-namespace=a b', '1:--server-id=x"y', '1:--v=1']]);
  });

  it('may have variables for the ID', () => {
    const [found] = programsOfText('f', 'PROXY_SERVER_ID=one proxy-server --v=1', 'server');
    expect(found && readProgram(found).values).toMatchObject({ 'server-id': 'one', v: 1 });
  });

  it.each([
    ['--a\n--server-id="x', 'f:2: a quote is not closed'],
    ['', 'f:1: there are no flags of a proxy-server'],
    ['\nproxy-agent\n', 'f:2: there are no flags of a proxy-agent'],
    ['# it\nkind: Pod\n', 'f:1: this is a manifest'],
  ])('fail with file and line: %j', (text, message) => {
    expect(() => programsOfText('f', text, 'server')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message, where: message.slice(0, 3) }),
    );
  });
});

const pod = (container: string): string => `kind: Pod
metadata: {name: p}
spec:
  containers:
  - ${container.replaceAll('\n', '\n    ')}
`;

describe('manifests', () => {
  it.each([
    ['a command', 'command: [/proxy-server, --v=1]\nargs: ["--server-count", "3"]'],
    [
      'arguments for an image',
      'image: a.example/kas-network-proxy/proxy-server:v0.33.0\nargs: [--v=1, --server-count, 3]',
    ],
    ['a script', 'command: [sh, -c]\nargs: ["exec /usr/bin/proxy-server --v=1 --server-count 3"]'],
    ['an anchor', 'name: &no x\ncommand: [/proxy-server, --v=1, --server-count, "3"]\nenv: [{name: *no}]'],
  ])('have the program in %s', (_name, container) => {
    const [found] = programsOfManifest('f', pod(container));
    expect(found?.words.map(({ text }) => text)).toEqual(['--v=1', '--server-count', '3']);
  });

  it('have it in all objects that make pods, in several documents and in lists', () => {
    const spec = 'spec: {containers: [{command: [proxy-agent, --v=1]}]}';
    const template = `spec: {template: {${spec}}}`;
    const documents = [
      '# only a comment',
      `kind: Pod\n${spec}`,
      `kind: Service\nspec: {}`,
      `kind: List\nitems:\n- {kind: DaemonSet, ${template}}\n- {kind: ConfigMap}`,
      `kind: StatefulSet\n${template}`,
    ];
    expect(seen(programsOfManifest('f', documents.join('\n---\n')))).toEqual([
      ['agent', 4, '4:--v=1'],
      ['agent', 11, '11:--v=1'],
      ['agent', 15, '15:--v=1'],
    ]);
  });

  it('give lines of flags, values of their own variables, and what is merged into them', () => {
    const text = `x: &base
  command: [proxy-server]
kind: Pod
spec:
  containers:
  - <<: *base
    name: k
    env:
    - {name: COUNT, value: "3"}
    - {name: PORT, valueFrom: {}}
    args:
    - --server-count=$(COUNT)
    - >-
      --agent-port=$(PORT)
`;
    const [found] = programsOfManifest('f', text);
    const program = found && readProgram(found);
    expect(program?.values).toMatchObject({ 'server-count': 3, 'agent-port': 8091 });
    expect([...(program?.unknown ?? [])]).toEqual(['agent-port']);
    expect(program?.given.get('server-count')).toMatchObject({ line: 12, text: '--server-count=$(COUNT)' });
  });

  it.each([
    ['kind: Pod\nspec: {containers: [', /^f:\d:\d+: no YAML: /],
    ['kind: Pod\nkind: Pod\n', /^f:2:\d+: no YAML: the key kind is there twice$/],
    ['kind: Pod\nspec: *none\n', /^f:2:8: no YAML: there is no anchor none$/],
    ['kind: Pod\n---\n--v=1 --server-count=3\n', /^f:3: this is not a Kubernetes object, as it has no kind$/],
    [pod('args: [{a: b}]'), /^f:5: command and args are lists of texts$/],
  ])('fail with file and line: %j', (text, message) => {
    expect(() => programsOfManifest('f', text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
