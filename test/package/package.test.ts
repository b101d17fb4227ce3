import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { npmInstall, PackedProject, repository, runProgram } from './packed-project.js';
import { readSnippets, readTests, type Snippet } from './snippets.js';

/** Only installed here: with all that it needs it is larger than the package. */
const jest = 'jest@30.5.2';

let project: PackedProject;

beforeAll(async () => {
  project = await PackedProject.create();
  if (project.unreachable === undefined) {
    await symlink(join(repository, 'node_modules/vitest'), project.at('node_modules/vitest'));
  }
}, 300_000);

beforeEach((context) => {
  context.skip(project.unreachable !== undefined, project.unreachable);
});

afterAll(() => project.remove());

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

async function totalBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('the package, installed', () => {
  it('is small, and compiles nothing', async () => {
    const lock = JSON.parse(await readFile(project.at('package-lock.json'), 'utf8')) as LockFile;
    const scripts = Object.entries(lock.packages).filter(
      ([, { hasInstallScript }]) => hasInstallScript === true,
    );
    // It comes with @grpc/proto-loader, and only warns of version ranges.
    expect(scripts.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
    expect(await totalBytes(project.at('node_modules'))).toBeLessThan(40e6);
  });

  it('starts a lab in a plain program, whose shell has its commands, and lets it end', async () => {
    const script = `for x in 1 2; do echo '{"a":'$x'}' | jq .a; done; exit 3`;
    const program = `
      import { startLab } from 'konnectivity-sim';
      const lab = await startLab();
      console.log(JSON.stringify(await lab.exec('web-1', ['sh', '-c', ${JSON.stringify(script)}])));
      await lab.stop();
    `;
    await writeFile(project.at('lab.js'), program);
    const { code, stdout, stderr } = await project.run(process.execPath, ['lab.js']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 3, stdout: '1\n2\n', stderr: '' });
  }, 120_000);

  it('has its programs', async () => {
    const { code, stdout } = await project.run('npx', ['--no-install', 'konnsim', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: konnsim /);
    expect(await readdir(project.at('node_modules', '.bin'))).toEqual(
      expect.arrayContaining(['konnsim', 'proxy-agent', 'proxy-server']),
    );
  }, 120_000);

  it.each([
    { moduleResolution: 'node16', module: 'node16' },
    { moduleResolution: 'bundler', module: 'esnext' },
  ])(
    'compiles with the examples of the guides: $moduleResolution',
    async (resolution) => {
      const folder = project.at(`examples-${resolution.moduleResolution}`);
      await mkdir(folder, { recursive: true });
      const compilerOptions = {
        ...resolution,
        ...{ noEmit: true, strict: true, target: 'es2022', types: ['node'] },
        lib: ['es2023', 'esnext.disposable'],
      };
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
      const snippets = await readSnippets(repository);
      expect(snippets).not.toEqual([]);
      await Promise.all(snippets.map(({ file, text }) => writeFile(join(folder, file), text)));
      const { stdout } = await project.run(join(repository, 'node_modules/.bin/tsc'), ['-p', folder]);
      expect(stdout).toBe('');
    },
    120_000,
  );
});

/** Writes files into a new folder of the project, and returns its path from there. */
async function newFolder(name: string, files: readonly Snippet[]): Promise<string> {
  expect(files).not.toEqual([]);
  await mkdir(project.at(name));
  await Promise.all(files.map(({ file, text }) => writeFile(project.at(name, file), text)));
  return name;
}

function vitest(folder: string): ReturnType<PackedProject['run']> {
  // A busy machine needs more than the five seconds of the default.
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=60000', `${folder}/`];
  return project.run(process.execPath, args);
}

describe('the package in test runners', () => {
  it('the guides’ tests pass in vitest', async () => {
    const folder = await newFolder('with-vitest', await readTests(repository, 'vitest'));
    const { code, stdout, stderr } = await vitest(folder);
    expect(code, stdout + stderr).toBe(0);
  }, 300_000);

  it('the guides’ tests pass in node:test', async () => {
    const tests = await readTests(repository, 'node:test');
    const folder = await newFolder('with-node', tests);
    const files = tests.map(({ file }) => `${folder}/${file}`);
    const { code, stdout, stderr } = await project.run(process.execPath, ['--test', ...files]);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/pass [1-9]/);
  }, 300_000);

  it('the guides’ tests pass in jest', async (context) => {
    const folder = await newFolder('with-jest', await readTests(repository, 'jest'));
    const settings = { private: true, type: 'module', jest: { transform: {} } };
    await writeFile(project.at(folder, 'package.json'), JSON.stringify(settings));
    const reason = await npmInstall(project.at(folder), [jest]);
    context.skip(reason !== undefined, reason);
    const options = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
    const { code, stdout, stderr } = await project.run(process.execPath, options, folder);
    expect(code, stdout + stderr).toBe(0);
  }, 300_000);

  it('the guides’ tests in Python pass', async (context) => {
    const python = await runProgram('python3', ['--version'], project.folder);
    context.skip(python.code !== 0, 'there is no python3');
    const folder = await newFolder('with-python', await readTests(repository, 'python'));
    for (const name of await readdir(project.at(folder))) {
      const { code, stdout, stderr } = await project.run('npx', ['-c', `python3 ${folder}/${name}`]);
      expect(code, stdout + stderr).toBe(0);
    }
  }, 300_000);

  it('a failure in vitest shows the lab, and the tests behind it run', async () => {
    const text = `
      import { expect } from 'vitest';
      import { labTest } from 'konnectivity-sim/vitest';
      const test = labTest({ nodes: 1, seed: 42 });
      test('fails', async ({ lab }) => {
        await lab.part('agent/node-1').kill();
        expect('this').toBe('that');
      });
      test('leaves a connection open', async ({ lab }) => {
        await lab.dial(lab.nodes[0].ip, lab.nodes[0].kubeletPort);
      });
      test('takes too long', { timeout: 2000 }, async ({ lab }) => {
        await lab.waitFor({ kind: 'agent.draining' }, { withinMs: 240_000 });
      });
      test('passes', async ({ lab }) => {
        await lab.exec('web-1', ['true']);
      });
    `;
    const { code, stdout, stderr } = await vitest(
      await newFolder('failing', [{ file: 'all.test.js', text }]),
    );
    const output = stdout + stderr;
    expect(code, output).toBe(1);
    expect(output).toMatch(/Tests {2}3 failed \| 1 passed/);
    expect(output).toContain(
      'lab with seed 42; again: startLab({ nodes: 1, seed: 42 })\nnot running: agent/node-1\n',
    );
    expect(output).toMatch(/ {2}#\d+ .*role\.killed/);
    expect(output).toMatch(/TunnelError: left open: frontends 1\n/);
    expect(output).toContain('Test timed out in 2000ms.');
  }, 300_000);
});
