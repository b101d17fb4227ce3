import { afterEach, expect, it } from 'vitest';
import { describeEachKubectl, type KubectlResult } from '../support/kubectl.js';
import { isOldestOrNewest, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster();

const configMap = (value: string, extra = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, labels: {made: here}}\ndata: {k: ${value}}\n${extra}`;

describeEachKubectl('writing objects', (binary) => {
  const kubectl = useKubectl(binary, cluster);
  const full = isOldestOrNewest(binary);

  async function output(args: readonly string[], stdin = ''): Promise<string> {
    const result = await kubectl().run(args, { stdin });
    expect(result, args.join(' ')).toMatchObject({ code: 0 });
    return result.stdout;
  }

  async function failure(args: readonly string[], stdin = ''): Promise<KubectlResult> {
    const result = await kubectl().run(args, { stdin });
    expect(result.code, args.join(' ')).toBe(1);
    return result;
  }

  // Nothing of a test may be left for the next kubectl; pods do not wait for their grace to be over.
  // Nothing of a test may be left for the next kubectl, and pods do not wait for their grace to be over.
  afterEach(async () => {
    const all = ['cm/conf', 'cm/typed', 'secret/typed', 'pod/mine', 'deploy/made', 'svc/made', 'ns/team'];
    await kubectl().run([
      'delete',
      ...all,
      '--ignore-not-found',
      '--grace-period=0',
      '--force',
      '--wait=false',
    ]);
    await expect
      .poll(async () => {
        await kubectl().run(['delete', 'pods', '-l', 'app=made', '--grace-period=0', '--force']);
        return (await kubectl().run(['get', 'pods', '-l', 'app=made', '-o', 'name'])).stdout;
      })
      .toBe('');
  });

  it('creates, applies changes, reads them back, and deletes', async () => {
    expect(await output(['create', '-f', '-'], configMap('one'))).toBe('configmap/conf created\n');
    const again = await failure(['create', '-f', '-'], configMap('one'));
    expect(again.stderr).toBe(
      'Error from server (AlreadyExists): error when creating "STDIN": configmaps "conf" already exists\n',
    );
    expect(await output(['apply', '-f', '-'], configMap('two'))).toBe('configmap/conf configured\n');
    expect(await output(['apply', '-f', '-'], configMap('two'))).toBe('configmap/conf unchanged\n');
    expect(await output(['get', 'cm', 'conf', '-o', 'jsonpath={.data.k}'])).toBe('two');
    expect(await output(['delete', 'cm', 'conf'])).toMatch(/^configmap "conf" deleted/);
    expect((await failure(['get', 'cm', 'conf'])).stderr).toBe(
      'Error from server (NotFound): configmaps "conf" not found\n',
    );
  });

  it('creates typed objects, in any encoding', async () => {
    expect(await output(['create', 'configmap', 'typed', '--from-literal=a=b'])).toBe(
      'configmap/typed created\n',
    );
    expect(await output(['get', 'cm', 'typed', '-o', 'jsonpath={.data.a}'])).toBe('b');
    await output(['create', 'secret', 'generic', 'typed', '--from-literal=p=s3']);
    expect(await output(['get', 'secret', 'typed', '-o', 'jsonpath={.data.p}'])).toBe('czM=');
    await output(['create', 'namespace', 'team']);
    expect(await output(['get', 'ns', 'team', '-o', 'jsonpath={.status.phase}'])).toBe('Active');
    expect(await output(['create', 'token', 'default'])).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+\n?$/);
    await output(['create', 'deployment', 'made', '--image=konnsim/web', '--replicas=2']);
    await expect
      .poll(
        async () => (await output(['get', 'pods', '-l', 'app=made', '-o', 'name'])).split('\n').length - 1,
      )
      .toBe(2);
    expect(await output(['scale', 'deploy', 'made', '--replicas=0'])).toBe('deployment.apps/made scaled\n');
  });

  it('checks fields before it sends, or lets the server do it', async () => {
    const { stderr } = await failure(['create', '-f', '-'], configMap('one', 'dataa: {}\n'));
    expect(stderr).toContain('unknown field "dataa"');
    const invalid = 'apiVersion: v1\nkind: Pod\nmetadata: {name: mine}\nspec: {containers: [{name: c}]}\n';
    expect((await failure(['apply', '-f', '-'], invalid)).stderr).toBe(
      'The Pod "mine" is invalid: spec.containers[0].image: Required value\n',
    );
  });

  it.runIf(full)('labels, annotates and patches in every form', async () => {
    await output(['create', '-f', '-'], configMap('one'));
    expect(await output(['label', 'cm', 'conf', 'tier=front'])).toBe('configmap/conf labeled\n');
    expect(await output(['annotate', 'cm', 'conf', 'note=hi'])).toMatch(/^configmap\/conf annotate/);
    await output(['patch', 'cm', 'conf', '-p', '{"data":{"k":"strategic"}}']);
    await output(['patch', 'cm', 'conf', '--type=merge', '-p', '{"data":{"l":"merge"}}']);
    await output([
      'patch',
      'cm',
      'conf',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/data/m","value":"json"}]',
    ]);
    expect(JSON.parse(await output(['get', 'cm', 'conf', '-o', 'json']))).toMatchObject({
      metadata: { labels: { made: 'here', tier: 'front' }, annotations: { note: 'hi' } },
      data: { k: 'strategic', l: 'merge', m: 'json' },
    });
    const replaced = await output(['get', 'cm', 'conf', '-o', 'yaml']);
    expect(await output(['replace', '-f', '-'], replaced.replace('k: strategic', 'k: replaced'))).toBe(
      'configmap/conf replaced\n',
    );
    const stale = await failure(['replace', '-f', '-'], replaced);
    expect(stale.stderr).toContain(
      'the object has been modified; please apply your changes to the latest version',
    );
  });

  it.runIf(full)('applies on the server, and reports conflicts', async () => {
    await output(['apply', '-f', '-'], configMap('client'));
    const refused = await failure(
      ['apply', '--server-side', '--field-manager=ci', '-f', '-'],
      configMap('server'),
    );
    expect(refused.stderr).toContain('conflict with "kubectl-client-side-apply" using v1: .data.k');
    const forced = ['apply', '--server-side', '--field-manager=ci', '--force-conflicts', '-f', '-'];
    expect(await output(forced, configMap('server'))).toBe('configmap/conf serverside-applied\n');
    expect(await output(['get', 'cm', 'conf', '-o', 'jsonpath={.data.k}'])).toBe('server');
  });

  it.runIf(full)('makes dry runs', async () => {
    expect(await output(['apply', '--dry-run=server', '-f', '-'], configMap('one'))).toBe(
      'configmap/conf created (server dry run)\n',
    );
    await failure(['get', 'cm', 'conf']);
    await output(['create', '-f', '-'], configMap('one'));
    const diff = await kubectl().run(['diff', '-f', '-'], { stdin: configMap('two') });
    expect(diff).toMatchObject({ code: 1 });
    expect(diff.stdout).toContain('+  k: two');
  });

  it.runIf(full)('runs a pod, waits for its node, watches it, and force-deletes it', async () => {
    const watch = kubectl().start([
      'get',
      'pods',
      '-w',
      '--no-headers',
      '--field-selector=metadata.name=mine',
    ]);
    expect(await output(['run', 'mine', '--image=konnsim/web'])).toBe('pod/mine created\n');
    expect(await output(['wait', 'pod/mine', '--for=condition=PodScheduled', '--timeout=25s'])).toBe(
      'pod/mine condition met\n',
    );
    await watch.waitFor(/^mine /m);
    expect(await output(['describe', 'pod', 'mine'])).toMatch(/Successfully assigned default\/mine to node-/);
    await output(['set', 'image', 'pod/mine', 'mine=konnsim/echo']);
    await output(['delete', 'pod', 'mine', '--grace-period=0', '--force']);
    await failure(['get', 'pod', 'mine']);
    await watch.stop();
  });

  it.runIf(full)('exposes pods, and finds what selects them', async () => {
    await output(['create', 'deployment', 'made', '--image=konnsim/web', '--port=8080']);
    expect(await output(['expose', 'deploy', 'made', '--port=80', '--target-port=8080'])).toBe(
      'service/made exposed\n',
    );
    expect(await output(['get', 'svc', 'made', '-o', 'jsonpath={.spec.clusterIP}'])).toMatch(/^10\.96\./);
    expect(await output(['set', 'image', 'deploy/made', '*=konnsim/echo'])).toMatch(/image updated/);
    await expect
      .poll(async () => (await output(['get', 'rs', '-l', 'app=made', '-o', 'name'])).split('\n').length - 1)
      .toBe(2);
  });

  it.runIf(full)('deletes a namespace with its objects', async () => {
    await output(['create', 'namespace', 'team']);
    await output(['create', 'configmap', 'inside', '-n', 'team']);
    expect(await output(['delete', 'ns', 'team'])).toMatch(/^namespace "team" deleted/);
    await failure(['get', 'ns', 'team']);
  });

  it.runIf(full)('asks for its own permissions, and explains kinds', async () => {
    expect(await output(['auth', 'can-i', 'delete', 'pods'])).toBe('yes\n');
    const other = await kubectl().run(['auth', 'can-i', 'delete', 'pods', '--as=nobody']);
    expect(other).toMatchObject({ code: 1, stdout: 'no\n' });
    expect((await failure(['get', 'pods', '--as=nobody'])).stderr).toBe(
      'Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"\n',
    );
    expect(await output(['explain', 'pod.spec.containers'])).toMatch(/image/);
  });
});
