import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComposeLab, startComposeLab } from './lab.js';

let lab: ComposeLab;

beforeAll(async () => {
  lab = await startComposeLab('faults', { BACKEND_DIAL_TIMEOUT: '3s' });
}, 900_000);

afterAll(async () => {
  await lab?.close();
});

type Service = 'apiserver' | 'server' | 'middlebox' | 'agent-1' | 'kubelet-1';

const sent =
  'error: Internal error occurred: error sending request: Post "https://node-1:10250/exec/default/shell/shell';

/** What a user sees when he runs a command on node-1 meanwhile. */
const symptoms: readonly [Service, killed: string | RegExp, paused: string | RegExp][] = [
  // Its balancer stands, and finds nobody behind it.
  ['apiserver', /EOF|connection reset by peer/, /TLS handshake timeout/],
  ['server', /connection refused|ECONNREFUSED/, /dial timeout, backstop/],
  ['middlebox', /No agent available/, /timed out waiting for backend dial/],
  ['agent-1', /No agent available/, /timed out waiting for backend dial/],
  // The name of a container that is gone does not resolve; one that sleeps takes connections and says nothing.
  ['kubelet-1', /dial tcp|timed out waiting for backend dial/, /TLS handshake timeout/],
];

async function onNode1(): Promise<string> {
  const { code, stderr } = await lab.run(['exec', 'shell', '--', 'true'], { timeoutMs: 60_000 });
  expect(code).toBe(1);
  return stderr;
}

/** A part that is not on the way of the other node. */
function spares(service: Service): boolean {
  return service === 'agent-1' || service === 'kubelet-1';
}

async function otherNodeWorks(service: Service): Promise<void> {
  if (spares(service)) expect(await lab.run(['exec', 'counter', '--', 'true'])).toMatchObject({ code: 0 });
}

/** No dial and no connection is held any more, by the server's own count. */
async function nothingLeft(): Promise<void> {
  const script = `fetch('http://127.0.0.1:8092/metrics').then((page) => page.text()).then((text) => console.log(text))`;
  const { stdout } = await lab.compose.exec('server', ['node', '-e', script]);
  expect(stdout).toMatch(/^konnectivity_network_proxy_server_pending_backend_dials 0$/m);
  expect(stdout).toMatch(/^konnectivity_network_proxy_server_established_connections 0$/m);
}

describe('a service that is killed', () => {
  it.each(symptoms)('%s: the user sees why, and it heals when it is back', async (service, killed) => {
    await lab.compose.do(['kill', service]);
    const seen = await onNode1();
    expect(seen).toMatch(killed);
    if (service !== 'apiserver') expect(seen).toContain(sent);
    await otherNodeWorks(service);
    await lab.compose.do(['start', service]);
    await lab.healed();
    await nothingLeft();
  });
});

describe('a service that is paused', () => {
  it.each(symptoms)(
    '%s: the user waits, sees why, and it heals when it goes on',
    async (service, _, paused) => {
      await lab.compose.do(['pause', service]);
      try {
        expect(await onNode1()).toMatch(paused);
        await otherNodeWorks(service);
      } finally {
        await lab.compose.do(['unpause', service]);
      }
      await lab.healed();
      await nothingLeft();
    },
  );
});

describe('a service that is restarted', () => {
  it.each(symptoms)('%s: it heals without help, and a command that ran ends', async (service) => {
    const running = lab.kubectl.start(['exec', 'shell', '--', 'sh', '-c', 'echo begun; exec sleep 1000'], {
      timeoutMs: 60_000,
    });
    await running.waitFor(/begun/);
    await lab.compose.do(['restart', service]);
    const { code, timedOut } = await running.result;
    expect([code, timedOut]).toEqual([1, false]);
    await lab.healed();
    await nothingLeft();
  });
});

describe('a middlebox that forgets idle flows', () => {
  /** Starts what is affected anew, with timers scaled to seconds. */
  async function restartWith(env: Readonly<Record<string, string>>): Promise<void> {
    lab.compose.set({ IDLE_TIMEOUT: '3s', AGENT_KEEPALIVE: '1h', SERVER_KEEPALIVE: '1h', ...env });
    // By force, so that no flow is forgotten from before.
    await lab.compose.do(['up', '--wait', '--force-recreate', 'middlebox', 'server', 'agent-1', 'agent-2']);
    await lab.healed();
  }

  /** The agents' flows went idle: both ends still believe in them. */
  async function forgotten(): Promise<void> {
    await expect
      .poll(
        async () =>
          (await lab.compose.do(['logs', '--no-log-prefix', 'middlebox'])).match(
            /flow\.forgotten .*address=server:8091/g,
          )?.length ?? 0,
        {
          timeout: 60_000,
        },
      )
      .toBeGreaterThanOrEqual(2);
  }

  it('silently: the next command hangs, and then shows the real text', async () => {
    await restartWith({ ON_IDLE: 'drop' });
    await forgotten();
    expect(await onNode1()).toContain('timed out waiting for backend dial');
    const log = await lab.compose.do(['logs', '--no-log-prefix', 'middlebox']);
    expect(log).toMatch(/flow\.lost {2}and all that follows .*address=server:8091 .*from=target/);
  });

  it('with a reset: agents connect again at once, and commands work', async () => {
    await restartWith({ ON_IDLE: 'reset' });
    await forgotten();
    await lab.healed();
  });

  it('silently, with keepalive under its timer: nothing is forgotten', async () => {
    await restartWith({ ON_IDLE: 'drop', SERVER_KEEPALIVE: '1s' });
    const since = new Date().toISOString();
    // Three pings more than the timer allows to miss, counted where they pass.
    const passed = async (): Promise<number> => {
      const script = `fetch('http://127.0.0.1:8096/metrics').then((page) => page.text()).then((text) => console.log(text))`;
      const { stdout } = await lab.compose.exec('middlebox', ['node', '-e', script]);
      return Number(/^konnsim_middlebox_bytes_total\{from="target"\} (\d+)$/m.exec(stdout)?.[1]);
    };
    const before = await passed();
    // A ping is 17 bytes, and more in a TLS record; two agents are pinged each second.
    await expect.poll(passed, { timeout: 60_000, interval: 500 }).toBeGreaterThan(before + 12 * 17);
    const log = await lab.compose.do(['logs', '--no-log-prefix', '--since', since, 'middlebox']);
    expect(log).not.toMatch(/flow\.forgotten .*address=server:8091/);
    expect((await lab.run(['exec', 'shell', '--', 'true'])).code).toBe(0);
  });
});
