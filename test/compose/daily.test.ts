import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webhookYaml } from '../../src/scenario/sample-webhook.js';
import { dryRunPod } from '../support/kubectl.js';
import { freePort } from './compose.js';
import { type ComposeLab, services, startComposeLab } from './lab.js';

let lab: ComposeLab;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'konnsim-compose-'));
  lab = await startComposeLab('daily');
}, 900_000);

afterAll(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('docker compose up', () => {
  it('shows nodes that are ready and pods that run', async () => {
    const { stdout } = await lab.run(['get', 'nodes,pods']);
    expect(stdout).toMatch(/node\/node-1 +Ready/);
    expect(stdout).toMatch(/node\/node-2 +Ready/);
    expect(stdout).toMatch(/pod\/shell +1\/1 +Running/);
  });

  it('follows logs', async () => {
    const logs = lab.kubectl.start(['logs', '-f', 'counter']);
    await logs.waitFor(/^(\d+): .* tick\n(.*\n)*\d+: .* tick$/m);
    await logs.stop();
  });

  it('runs commands in the container of the kubelet, with their exit codes', async () => {
    const result = await lab.run(['exec', 'shell', '--', 'sh', '-c', 'id -u; hostname; exit 7']);
    const { stdout: hostname } = await lab.compose.exec('kubelet-1', ['hostname']);
    expect(result).toMatchObject({ code: 7, stdout: `1000\n${hostname}` });
  });

  it('gives a shell a terminal', async () => {
    const shell = lab.kubectl.start(
      ['exec', '-it', 'shell', '--', 'sh', '-c', 'tty; stty size; read x; echo got $x'],
      {
        terminal: true,
      },
    );
    await shell.waitFor(/\/dev\/pts\/\d+\s+24 80/);
    shell.child.stdin.write('word\n');
    await shell.waitFor(/got word/);
    expect((await shell.result).code).toBe(0);
  });

  it('forwards a port', async () => {
    const port = await freePort();
    const server = `require('http').createServer((_, answer) => answer.end('from the node')).listen(18080, '127.0.0.1')`;
    const serving = lab.kubectl.start(['exec', 'shell', '--', 'node', '-e', `${server}; console.log('up')`]);
    await serving.waitFor(/up/);
    const forward = lab.kubectl.start(['port-forward', 'shell', `${port}:18080`]);
    await forward.waitFor(/Forwarding from 127\.0\.0\.1/);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('from the node');
    await forward.stop();
    await serving.stop();
  });

  it('forwards a port of a service to the program of an image', async () => {
    const forward = lab.kubectl.start(['port-forward', 'svc/web', ':80']);
    const [, port] = await forward.waitFor(/Forwarding from 127\.0\.0\.1:(\d+)/);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toMatch(/^pod: web-[12]\n/);
    await forward.stop();
  });

  it('reaches pods of both nodes through the tunnel', async () => {
    for (const pod of ['web-1', 'web-2']) {
      const path = `/api/v1/namespaces/default/pods/${pod}:8080/proxy/`;
      expect(await lab.run(['get', '--raw', path])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`pod: ${pod}\n`),
      });
    }
    const closed = '/api/v1/namespaces/default/pods/web-1:81/proxy/';
    expect((await lab.run(['get', '--raw', closed])).stderr).toMatch(
      /dial tcp 10\.244\.\d+\.\d+:81: connect: connection refused/,
    );
  });

  it('calls the sample webhook through the tunnel', async () => {
    const yaml = await webhookYaml();
    expect(await lab.run(['apply', '-f', '-'], { stdin: yaml })).toMatchObject({ code: 0 });
    await lab.run(['rollout', 'status', 'deploy/webhook', '--timeout=60s'], { timeoutMs: 70_000 });
    await lab.run(['label', 'namespace', 'default', 'konnsim/webhook=on']);
    await expect
      .poll(async () => (await lab.run(dryRunPod('asked', 'a=b'))).stdout, { timeout: 60_000 })
      .toContain('konnsim/admitted: "true"');
    expect((await lab.run(dryRunPod('asked', 'konnsim/deny=true'))).stderr).toContain('are not wanted here');
    await lab.run(['label', 'namespace', 'default', 'konnsim/webhook-']);
    await lab.run(['delete', '-f', '-'], { stdin: yaml, timeoutMs: 60_000 });
  });

  it('copies files both ways', async () => {
    const payload = Buffer.alloc(3_000_000, 'konnectivity');
    await writeFile(join(folder, 'there'), payload);
    const up = await lab.run(['cp', join(folder, 'there'), 'shell:copied']);
    expect(up).toMatchObject({ code: 0, stderr: '' });
    const down = await lab.run(['cp', 'shell:copied', join(folder, 'back')]);
    expect(down.code).toBe(0);
    expect((await readFile(join(folder, 'back'))).equals(payload)).toBe(true);
  });

  it('runs what is created, as a process of the node', async () => {
    const { code, stdout } = await lab.run(
      [
        'run',
        '--rm',
        '-i',
        'hello',
        '--image=any',
        '--restart=Never',
        '--',
        'sh',
        '-c',
        'read x; echo got $x',
      ],
      { stdin: 'word\n', timeoutMs: 60_000 },
    );
    expect([code, stdout]).toEqual([0, expect.stringContaining('got word')]);
  });

  it('shows the events of all services in one order', async () => {
    await lab.run(['exec', 'shell', '--', 'true']);
    const events = await lab.compose.exec('middlebox', ['node', '/app/bin/konnsim', 'events', '--packets']);
    expect(events).toMatchObject({ code: 0, stderr: '' });
    for (const node of [
      'apiserver/',
      'server/server-1',
      'middlebox/',
      'agent/node-1',
      'agent/node-2',
      'kubelet/node-1',
    ]) {
      expect(events.stdout).toContain(` ${node}`);
    }
    const times = [...events.stdout.matchAll(/^ (\d\d:\d\d:\d\d\.\d{3})/gm)].map(([, time]) => time);
    expect(times.length).toBeGreaterThan(20);
    expect(times).toEqual(times.toSorted((one = '', other = '') => one.localeCompare(other)));
  });
});

describe('the health check', () => {
  it.each(services)('of %s finds it well, and rests between its looks', async (service) => {
    const rests = async (): Promise<boolean> => {
      const { Health } = (await lab.compose.inspect(service)).State;
      expect(Health?.Status).toBe('healthy');
      // A look takes a moment, and a rest the nine seconds that deploy/health sleeps.
      return (Health?.Log ?? []).some(
        ({ Start, End, ExitCode }) => ExitCode === 0 && Date.parse(End) - Date.parse(Start) >= 9000,
      );
    };
    await expect.poll(rests, { timeout: 60_000, interval: 500 }).toBe(true);
  });
});

describe('security', () => {
  it.each(services)('%s is no root, has no capability, no writable root and no secret', async (service) => {
    const { Config, HostConfig } = await lab.compose.inspect(service);
    expect(Config.User).toBe('1000:1000');
    expect(HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      Privileged: false,
      CapDrop: ['ALL'],
      CapAdd: null,
    });
    expect(HostConfig.SecurityOpt).toEqual(['no-new-privileges:true']);
    expect(Config.Env.join('\n')).not.toMatch(/PRIVATE KEY|password|secret|token/i);
    const status = await lab.compose.exec(service, ['cat', '/proc/1/status']);
    expect(status.stdout).toMatch(/^Uid:\t1000\t1000/m);
    expect(status.stdout).toMatch(/^CapEff:\t0+$/m);
    expect(status.stdout).toMatch(/^CapBnd:\t0+$/m);
    const write = await lab.compose.exec(service, ['touch', '/app/x']);
    expect(write.stderr).toMatch(/Read-only file system/);
  });

  it('keeps keys out of the image, and in the volume readable by their owner alone', async () => {
    const { compose } = lab;
    const inImage = await compose.exec('server', [
      'find',
      '/app',
      '-name',
      '*.key',
      '-not',
      '-path',
      '*/node_modules/*',
    ]);
    expect(inImage.stdout).toBe('');
    const secrets = ['/certs/admin.key', '/certs/kubeconfig'];
    const modes = await compose.exec('apiserver', ['stat', '-c', '%a %u %n', ...secrets]);
    expect(modes.stdout).toBe('600 1000 /certs/admin.key\n600 1000 /certs/kubeconfig\n');
    const write = await compose.exec('server', ['touch', '/certs/x']);
    expect(write.stderr).toMatch(/Read-only file system/);
  });

  it('shows each part the keys that it needs, and none of a CA or of another part', async () => {
    const held: Record<string, string> = {};
    for (const service of services) {
      const { stdout } = await lab.compose.exec(service, ['sh', '-c', 'cd /certs && echo *.key']);
      held[service] = stdout.trim();
    }
    expect(held).toEqual({
      balancer: 'observe.key',
      apiserver:
        'admin.key apiserver-kubelet-client.key apiserver-store-client.key apiserver.key frontend-client.key observe.key sa.key',
      server: 'observe.key server-frontend.key server.key',
      middlebox: 'observe.key observer.key',
      'agent-1': 'agent.key observe.key',
      'agent-2': 'agent.key observe.key',
      'kubelet-1': 'kubelet-node-1.key observe.key',
      'kubelet-2': 'kubelet-node-2.key observe.key',
    });
  });

  it('lets a pod, which nothing confines within the container of its kubelet, find no more', async () => {
    const { stdout } = await lab.run(['exec', 'shell', '--', 'sh', '-c', 'cd /certs && echo *.key']);
    expect(stdout).toBe('kubelet-node-1.key observe.key\n');
  });

  it('opens the pods of a node to agents alone', async () => {
    const ask = `const c='/certs/',f=require('fs').readFileSync;const own=process.argv[1];const pair=own?{cert:f(c+own+'.crt'),key:f(c+own+'.key')}:{};const s=require('tls').connect({host:'node-1',port:10260,rejectUnauthorized:false,...pair});let t='';s.on('data',d=>{t+=d}).on('error',()=>{}).on('close',()=>console.log('got '+t.trim()));s.end('10.244.1.250:1\\n')`;
    const answer = async (service: string, own = ''): Promise<string> =>
      (await lab.compose.exec(service, ['node', '-e', ask, own])).stdout.trim();
    expect(await answer('kubelet-2')).toBe('got');
    expect(await answer('kubelet-2', 'kubelet-node-2')).toBe('got');
    expect(await answer('agent-1', 'observe')).toBe('got');
    expect(await answer('agent-1', 'agent')).toBe('got no such pod');
  });

  it('publishes one port, on the loopback', async () => {
    const published = [];
    for (const service of services) {
      const { Ports } = (await lab.compose.inspect(service)).NetworkSettings;
      for (const [port, hosts] of Object.entries(Ports)) {
        for (const { HostIp } of hosts ?? []) published.push(`${service} ${port} ${HostIp}`);
      }
    }
    expect(published).toEqual(['balancer 6443/tcp 127.0.0.1']);
  });
});

/** Connects from inside a container, by address and not by name, and prints what comes of it. */
async function reach(service: string, host: string, port: number): Promise<string> {
  const script = `const s=require('net').connect({host:'${host}',port:${port}});const end=(t)=>{console.log(t);process.exit()};s.on('connect',()=>end('open'));s.on('error',e=>end(e.code));setTimeout(()=>end('silence'),1500)`;
  const { stdout } = await lab.compose.exec(service, ['node', '-e', script]);
  return stdout.trim();
}

async function addressIn(service: string, network: string): Promise<string> {
  const { Networks } = (await lab.compose.inspect(service)).NetworkSettings;
  return Networks[`${lab.compose.project}_${network}`]?.IPAddress ?? '';
}

describe('the networks', () => {
  it('let nothing from the control plane to the nodes', async () => {
    for (const service of ['apiserver', 'server']) {
      for (const [target, port] of [
        ['kubelet-1', 10_250],
        ['agent-1', 8095],
      ] as const) {
        expect([service, target, await reach(service, await addressIn(target, 'nodes'), port)]).not.toContain(
          'open',
        );
      }
    }
  });

  it('let nodes reach the control plane through the middlebox alone', async () => {
    for (const [target, port] of [
      ['server', 8091],
      ['server', 8095],
      ['apiserver', 6443],
    ] as const) {
      expect([target, await reach('agent-1', await addressIn(target, 'control-plane'), port)]).not.toContain(
        'open',
      );
    }
    expect(await reach('agent-1', 'middlebox', 8091)).toBe('open');
    expect(await reach('kubelet-1', 'kubelet-2', 10_250)).toBe('open');
  });
});

it('docker compose down ends every service by itself, within its time of grace', async () => {
  await lab.compose.do(['up', '--wait']);
  await lab.compose.do(['stop']);
  for (const service of services) {
    // 143: it ended itself at SIGTERM; 137 would be a kill after the time of grace.
    expect([service, (await lab.compose.inspect(service)).State.ExitCode]).toEqual([service, 143]);
  }
  await lab.compose.do(['down']);
});
