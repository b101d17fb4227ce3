import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PackedProject, repository } from './packed-project.js';
import { readSnippets } from './snippets.js';

let project: PackedProject;

beforeAll(async () => {
  project = await PackedProject.create();
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
      await symlink(join(repository, 'node_modules/vitest'), project.at('node_modules/vitest')).catch(
        () => undefined,
      );
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
