import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/pki/authority.js';
import type { KeyPair } from '../../src/pki/key-pair.js';
import { type CommandResult, konnsim, scratchFolder } from '../support/konnsim.js';
import { once } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let busyPort: string;
const listeners: Server[] = [];
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> =>
  konnsim(args, { cwd: folder.path, env });

beforeAll(async () => {
  folder = await scratchFolder();
  await run(['certs', '--out', 'certs']);
  await writeFile(join(folder.path, 'file'), 'text');
  busyPort = String(((await listen({ port: 0, host: '127.0.0.1' })).address() as AddressInfo).port);
  await listen({ path: join(folder.path, 'busy.sock') });
  for (const name of ['garbage', 'swapped', 'expired', 'folder', 'fifo', 'device', 'server-use', 'one-ca'])
    await copyCerts(name);
  await writeFile(certPath('garbage', 'agent.key'), 'no key at all');
  await copyFile(certPath('certs', 'admin.key'), certPath('swapped', 'agent.key'));
  for (const name of ['fifo', 'device']) await rm(certPath(name, 'agent.key'));
  execFileSync('mkfifo', [certPath('fifo', 'agent.key')]);
  await symlink('/dev/zero', certPath('device', 'agent.key'));
  for (const half of ['crt', 'key'])
    await copyFile(certPath('certs', `server.${half}`), certPath('server-use', `agent.${half}`));
  await rm(certPath('one-ca', 'agent-ca.crt'));
  const past = await expiredPair();
  await writeFile(certPath('expired', 'agent.crt'), past.certPem);
  await writeFile(certPath('expired', 'agent.key'), past.keyPem);
}, 60_000);
afterAll(async () => {
  for (const listener of listeners) listener.close();
  await folder.remove();
});

async function listen(where: { port: number; host: string } | { path: string }): Promise<Server> {
  const listener = createServer((socket) => socket.destroy()).listen(where);
  listeners.push(listener);
  await once(listener, 'listening');
  return listener;
}

const certPath = (set: string, name: string): string => join(folder.path, set, name);

async function copyCerts(name: string): Promise<void> {
  await mkdir(join(folder.path, name));
  for (const file of await readdir(join(folder.path, 'certs'))) {
    if (name === 'folder' && file === 'agent.key') await mkdir(certPath(name, file));
    else await copyFile(certPath('certs', file), certPath(name, file));
  }
}

async function expiredPair(): Promise<KeyPair> {
  const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
  const authority = await createAuthority();
  const life = { notBefore: daysAgo(3), notAfter: daysAgo(2) };
  return authority.issue({ commonName: 'late', usages: ['client'], ...life });
}

/** One failure: its line, a hint, its code, and nothing that only we understand. */
function expectFailure({ stderr, code }: CommandResult, text: RegExp, expected: number): void {
  expect(stderr).toMatch(text);
  expect(stderr).toMatch(/^error: [^\n]+ \[[A-Z_]+\]\nhint: [^\n]+\n$/);
  expect(code).toBe(expected);
}

const server = ['server', '--certs', 'certs', '--agent-port', '0', '--health-port', '0'];
const apiserver = ['apiserver', '--certs', 'certs', '--uds-name', 'none.sock', '--port', '0'];
const agent = ['agent', '--health-server-port', '0', '--certs'];

describe('bad input is one error line, one hint line and an exit code:', () => {
  const usage: readonly [string, readonly string[], RegExp][] = [
    [
      'an unknown flag',
      ['server', '--agent-prot', '1'],
      /--agent-prot.*\[USAGE\]\nhint: Did you mean --agent-port/,
    ],
    ['an unknown command', ['upp'], /unknown command 'upp'/],
    ['help of an unknown command', ['help', 'upp'], /unknown command 'upp'/],
    ['a missing argument', ['exec'], /missing required argument 'pod'/],
    ['a malformed duration', ['server', '--keepalive-time', '5q'], /must be a duration/],
    ['a negative duration', ['server', '--backend-dial-timeout', '-5s'], /must be a duration/],
    ['a malformed port', ['kubelet', '--port', '70000'], /must be a whole number from 0 to 65535/],
    ['an unknown strategy', ['up', '--proxy-strategies', 'destHost,luck'], /unknown proxy strategy: luck/],
    ['an unknown identifier', ['agent', '--agent-identifiers', 'mac=1'], /unknown address type: mac/],
    ['malformed identifiers', ['agent', '--agent-identifiers', 'host=%zz'], /invalid URL escape "%zz"/],
    ['an agent ID that fits no header', ['agent', '--agent-id', 'nöde'], /printable ASCII/],
    [
      'an agent ID that is too long',
      ['agent', '--agent-id', 'x'.repeat(1025)],
      /agent ID of 1 to 1024.*got 1025/,
    ],
    ['an empty agent ID', ['agent', '--agent-id', ''], /agent ID of 1 to 1024.*got 0/],
    [
      'a malformed node address',
      ['agent', '--node-address', '10.0.1.11'],
      /is not NODE_IP:PORT=REAL_HOST:PORT/,
    ],
    ['a malformed server address', ['apiserver', '--proxy-server', 'here'], /must be HOST:PORT/],
    ['an unknown node', ['kubelet', '--node', 'node-9'], /no node "node-9"; there are node-1, node-2/],
    ['a server without frontends', ['server'], /needs --uds-name or --server-port/],
    ['an API façade without a way', ['apiserver', '--certs', 'certs'], /needs --uds-name or --proxy-server/],
    ['two ways', [...apiserver, '--proxy-server', '127.0.0.1:1'], /needs exactly one of/],
    ['a malformed release', [...apiserver, '--kubernetes-version', 'banana'], /not a Kubernetes version/],
    ['a malformed address', ['certs', '--out', 'new', '--ip', 'nope'], /"nope" is not an IP address/],
    ['a malformed name', ['certs', '--out', 'new', '--name', 'a b'], /"a b" is not a DNS name/],
    ['no days', ['certs', '--out', 'new', '--days', '0'], /whole number from 1 to 3650/],
    ['certificates that exist', ['certs', '--out', 'certs'], /exists already[\s\S]+--force/],
    ['a file in place of a folder', ['certs', '--out', 'file'], /a file is where a folder should be/],
    ['a lab in place of a file', ['up', '--dir', 'file'], /\[FILE_UNWRITABLE\]/],
    ['a missing certificate folder', [...agent, 'nowhere'], /nowhere\/agent\.crt: no such file/],
    ['a key that is a folder', [...agent, 'folder'], /agent\.key: is a folder/],
    ['a key that is garbage', [...agent, 'garbage'], /agent\.key: not a PEM private key/],
    ['the key of another certificate', [...agent, 'swapped'], /the key does not match the certificate/],
    ['a key that is a FIFO', [...agent, 'fifo'], /agent\.key: not a regular file/],
    ['a key that is a device', [...agent, 'device'], /agent\.key: not a regular file/],
    [
      'a certificate for another use',
      [...agent, 'server-use'],
      /agent\.crt: the certificate is not for use as a client.*\[CERT_INVALID\]/,
    ],
    [
      'a folder of a time when one CA signed all',
      [...agent, 'one-ca'],
      /agent-ca\.crt: no such file[\s\S]+konnsim certs --force/,
    ],
    ['an expired certificate', [...agent, 'expired'], /agent\.crt: expired on \d{4}-/],
    [
      'a socket in no folder',
      [...server, '--uds-name', 'no/where.sock'],
      /no\/where\.sock.*\[FILE_UNWRITABLE\]/,
    ],
    ['a socket that is a file', [...server, '--uds-name', 'file'], /exists and is not a socket/],
    ['a socket path that is too long', [...server, '--uds-name', 'a'.repeat(108)], /at most 103 bytes/],
    [
      'a kubeconfig in no folder',
      [...apiserver, '--kubeconfig', 'no/where'],
      /no\/where.*\[FILE_UNWRITABLE\]/,
    ],
  ];

  it.concurrent.each(usage)('%s', async (_name, args, text) => {
    expectFailure(await run(args), text, 2);
  });

  it('a malformed variable of the environment', async () => {
    const result = await run(['up'], { KONNSIM_NODES: 'many' });
    expectFailure(result, /value 'many' from env 'KONNSIM_NODES'.*whole number/, 2);
  });

  it('an agent ID of the environment that is too long', async () => {
    const result = await run([...agent, 'certs'], { PROXY_AGENT_ID: 'x'.repeat(1025) });
    expectFailure(result, /PROXY_AGENT_ID: expected an agent ID.*got 1025.*\[USAGE\]/, 2);
  });

  it('a folder for temporary files whose path leaves no room for a socket', async () => {
    const deep = join(folder.path, 'd'.repeat(60));
    await mkdir(deep);
    expectFailure(await run(['up', '--dir', 'deep-lab'], { TMPDIR: deep }), /TMPDIR.*\[CONFIG_INVALID\]/, 2);
  });

  /** Each has its own: they run side by side, and a lab locks its folder. */
  const lab = (number: number): readonly string[] => ['up', '--dir', `temp-lab-${number}`];
  const long = 'n'.repeat(300);
  const folders: readonly (readonly [string, readonly string[], RegExp, string | undefined])[] = [
    ['temporary files in no folder', lab(1), /in no: no such file \(at TMPDIR\) \[FILE_UNWRITABLE\]/, 'no'],
    [
      'temporary files in a file',
      lab(2),
      /in file: a file is where a folder should be.*\[FILE_UNWRITABLE\]/,
      'file',
    ],
    ['temporary files in /proc', lab(3), /in \/proc: .*\(at TMPDIR\) \[FILE_UNWRITABLE\]/, '/proc'],
    ['a lab in /proc', ['up', '--dir', '/proc/lab'], /\/proc\/lab: .*\[FILE_UNWRITABLE\]/, undefined],
    [
      'a lab in a file',
      ['up', '--dir', 'file/lab'],
      /lab: a file is where a folder should be \[FILE_UNWRITABLE\]/,
      undefined,
    ],
    ['a lab of a long name', ['up', '--dir', long], /n: the name is too long \[FILE_UNWRITABLE\]/, undefined],
    [
      'certificates in a long name',
      ['certs', '--out', long],
      /n: the name is too long \[FILE_UNWRITABLE\]/,
      undefined,
    ],
    [
      'a store in /proc',
      ['store', '--certs', 'certs', '--data-dir', '/proc/x'],
      /\/proc\/x: .*\[FILE_UNWRITABLE\]/,
      undefined,
    ],
  ];

  it.concurrent.each(folders)('%s', async (_name, args, text, temporary) => {
    expectFailure(await run(args, temporary === undefined ? {} : { TMPDIR: temporary }), text, 2);
  });

  it('a socket or a port that is in use, for every flag', async () => {
    const cases = [
      [...server, '--uds-name', 'busy.sock'],
      ['server', '--certs', 'certs', '--server-port', busyPort, '--agent-port', '0', '--health-port', '0'],
      ['server', '--certs', 'certs', '--server-port', '0', '--agent-port', busyPort, '--health-port', '0'],
      ['server', '--certs', 'certs', '--server-port', '0', '--agent-port', '0', '--health-port', busyPort],
      ['agent', '--certs', 'certs', '--health-server-port', busyPort],
      ['kubelet', '--certs', 'certs', '--port', busyPort],
      ['apiserver', '--certs', 'certs', '--uds-name', 'none.sock', '--port', busyPort],
      ['up', '--dir', 'busy-lab', '--api-port', busyPort],
      ['up', '--dir', 'busy-lab', '--agent-port', busyPort],
    ];
    for (const args of cases) expectFailure(await run(args), /\[ADDRESS_IN_USE\]/, 1);
  });

  it('and no file is left of any of them', async () => {
    const expected = [
      'busy.sock',
      'certs',
      'd'.repeat(60),
      'device',
      'expired',
      'fifo',
      'file',
      'folder',
      'garbage',
      'one-ca',
      'server-use',
      'swapped',
    ];
    expect((await readdir(folder.path)).sort()).toEqual(expected);
  });
});

describe('help', () => {
  it('groups the commands and shows examples', async () => {
    const { stdout, code } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /See it:[\s\S]+demo[\s\S]+A whole lab[\s\S]+up[\s\S]+One role[\s\S]+certs[\s\S]+Examples:/,
    );
    expect((await run(['help'])).stdout).toBe(stdout);
  });

  it('tells the default of a limit that depends on the mode', async () => {
    const { stdout } = await run(['help', 'server']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('default 0, and 20s with --as ideal');
  });

  const commands = ['up', 'exec', 'logs', 'port-forward', 'certs', 'server', 'agent', 'kubelet', 'apiserver'];

  it.concurrent.each(commands)('of %s has examples, and names the variable of each flag', async (command) => {
    const { stdout, code } = await run(['help', command]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}.*konnsim /);
    const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name ?? '');
    const wanted = flags.filter((name) => name !== 'help').map(variableOf);
    const text = stdout.replaceAll(/\s+/g, ' ');
    for (const variable of wanted) expect(text).toContain(`env: ${variable})`);
  });

  /** A health check runs beside its role with the role's variables. */
  it('has one kind of value for each flag of all commands, as they share its variable', async () => {
    const { stdout: overview } = await run(['--help']);
    const all = [...overview.matchAll(/^ {2}([a-z-]+)(?: \[| <|\s)/gm)].map(([, name]) => name ?? '');
    expect(all).toEqual(expect.arrayContaining([...commands, 'ready', 'store', 'middlebox']));
    const kinds = new Map<string, Set<string>>();
    for (const { stdout } of await Promise.all(all.map((command) => run(['help', command]))))
      for (const [, flag = '', kind = ''] of stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+) <([^>]+)>/gm))
        kinds.set(flag, (kinds.get(flag) ?? new Set()).add(kind));
    const several = [...kinds].filter(([, kind]) => kind.size > 1).map(([flag, kind]) => [flag, ...kind]);
    // A name in certificates, and the name of a middlebox: `certs` does not run beside other commands.
    expect(several).toEqual([['name', 'dns', 'name']]);
  });

  const variableOf = (flag: string): string => `KONNSIM_${flag.replaceAll('-', '_').toUpperCase()}`;

  it('of the version is the package version', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
