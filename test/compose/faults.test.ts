import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './compose.js';
import { readSteps, readSymptoms } from './experiments.js';
import { type ComposeLab, podOf, services, startComposeLab } from './lab.js';

let lab: ComposeLab;

beforeAll(async () => {
  lab = await startComposeLab('faults');
}, 900_000);

afterAll(async () => {
  await lab?.close();
});

/** Whose pods a service serves: those of one node, or all. */
const nodeOf: Readonly<Record<string, 'node-1' | 'node-2'>> = {
  'agent-1': 'node-1',
  'kubelet-1': 'node-1',
  'agent-2': 'node-2',
  'kubelet-2': 'node-2',
};

const symptoms = readSymptoms();
const table = symptoms.map((row) => [row.service, row] as const);

/** Asks a node that something is wrong with, by an exec or for a log. Resolves with what kubectl prints. */
async function failureOn(node: 'node-1' | 'node-2', verb: 'exec' | 'logs' = 'exec'): Promise<string> {
  const asks = verb === 'exec' ? ['exec', podOf[node], '--', 'true'] : ['logs', podOf[node]];
  const { code, stderr } = await lab.run(asks, { timeoutMs: 60_000 });
  expect(code).toBe(1);
  return stderr;
}

/** What a user sees at the service's node, while the other node works. */
async function seenMeanwhile(service: string, verb: 'exec' | 'logs' = 'exec'): Promise<string> {
  const node = nodeOf[service] ?? 'node-1';
  const [seen] = await Promise.all([failureOn(node, verb), otherNodeWorks(service)]);
  return seen;
}

/** Longer than any limit of a handshake or a dial, but one. */
const longMs = 20_000;

async function expectNoEnd(service: string): Promise<void> {
  const node = nodeOf[service] ?? 'node-1';
  const { timedOut } = await lab.kubectl.run(['exec', podOf[node], '--', 'true'], { timeoutMs: longMs });
  expect(timedOut).toBe(true);
}

async function otherNodeWorks(service: string): Promise<void> {
  const node = nodeOf[service];
  if (node === undefined) return;
  const pod = podOf[node === 'node-1' ? 'node-2' : 'node-1'];
  expect(await lab.run(['exec', pod, '--', 'true'])).toMatchObject({ code: 0, stderr: '' });
}

function expectOneOf(seen: string, texts: readonly string[]): void {
  expect({ seen, documented: texts.some((text) => seen.includes(text)) ? seen : texts }).toEqual({
    seen,
    documented: seen,
  });
}

/** Behind the API server, its text is kube-apiserver's: which request of which kubelet, and why. */
function expectPlace(seen: string, service: string): void {
  if (service === 'balancer' || service === 'apiserver') return;
  const node = nodeOf[service] ?? 'node-1';
  const url = `https://${node}:10250/exec/default/${podOf[node]}/`;
  expect(seen).toContain(`error: Internal error occurred: error sending request: Post "${url}`);
}

/** No dial, connection, flow or process is left over, by each part's own count. */
async function nothingLeft(): Promise<void> {
  await eventually(async () => {
    const [server, balancer, ...agents] = await Promise.all([
      lab.metrics('server'),
      lab.metrics('balancer'),
      lab.metrics('agent-1'),
      lab.metrics('agent-2'),
    ]);
    expect(server).toMatch(/^konnectivity_network_proxy_server_pending_backend_dials 0$/m);
    expect(server).toMatch(/^konnectivity_network_proxy_server_established_connections 0$/m);
    expect(balancer).toMatch(/^konnsim_middlebox_open_flows 0$/m);
    for (const agent of agents) {
      expect(agent).toMatch(/^konnectivity_network_proxy_agent_open_endpoint_connections 0$/m);
      expect(agent).toMatch(/^konnsim_agent_pending_dials 0$/m);
    }
  }, 60_000);
}

it('the table of faults has every service', () => {
  expect(symptoms.map(({ service }) => service).toSorted()).toEqual(services.toSorted());
  for (const { killed, paused } of symptoms)
    for (const texts of [killed, paused]) expect(texts).not.toEqual([]);
});

describe('a service that is killed', () => {
  it.each(table)('%s: the user sees why, and it heals when it is back', async (service, { killed }) => {
    await lab.compose.do(['kill', service]);
    const seen = await seenMeanwhile(service);
    expectOneOf(seen, killed);
    expectPlace(seen, service);
    await lab.compose.do(['start', service]);
    await lab.healed();
    await nothingLeft();
  });
});

describe('a service that is paused', () => {
  it.each(table)(
    '%s: the user waits, sees why, and it heals when it goes on',
    async (service, { paused, execHasNoEnd }) => {
      await lab.compose.do(['pause', service]);
      try {
        if (execHasNoEnd) await expectNoEnd(service);
        const seen = await seenMeanwhile(service, execHasNoEnd ? 'logs' : 'exec');
        expectOneOf(seen, paused);
        if (!execHasNoEnd) expectPlace(seen, service);
      } finally {
        await lab.compose.do(['unpause', service]);
      }
      await lab.healed();
      await nothingLeft();
    },
  );
});

describe('a service that is restarted', () => {
  it.each(table)('%s: it heals without help, and kubectl ends', async (service, { restarted }) => {
    const node = nodeOf[service] ?? 'node-1';
    const running = lab.kubectl.start(
      // Where only its client is cut off, it goes on to its own end.
      ['exec', podOf[node], '--', 'sh', '-c', 'echo begun; exec sleep 40'],
      {
        timeoutMs: 60_000,
      },
    );
    await running.waitFor(/begun/);
    await lab.compose.do(['restart', service]);
    const { code, timedOut, stderr } = await running.result;
    expect([code, timedOut]).toEqual([restarted.length === 0 ? 0 : 1, false]);
    if (restarted.length === 0) expect(stderr).toBe('');
    else expectOneOf(stderr, restarted);
    await lab.healed();
    await nothingLeft();
  });
});

describe('an experiment, pasted', () => {
  it.each(['2. An agent dies', '3. The proxy-server restarts', '5. The network is cut'])(
    '%s',
    async (title) => {
      const steps = readSteps(title);
      const seen = await lab.paste(steps.map(({ line }) => line));
      for (const [index, step] of steps.entries()) {
        const { code, output } = seen[index] ?? { code: -1, output: '' };
        if (step.seen === undefined) expect([step.line, code, output]).toEqual([step.line, 0, output]);
        else expect([step.line, output]).toEqual([step.line, expect.stringContaining(step.seen)]);
      }
      // Whoever comes anew finds its way, too.
      await lab.compose.do(['restart', 'agent-1', 'kubelet-1']);
      await lab.healed();
      await nothingLeft();
    },
  );
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
    expect(await failureOn('node-1')).toContain('dial timeout, backstop');
    const log = await lab.compose.do(['logs', '--no-log-prefix', 'middlebox']);
    expect(log).toMatch(/flow\.lost {2}and all later bytes .*address=server:8091 .*from=target/);
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
      const page = await lab.metrics('middlebox');
      return Number(/^konnsim_middlebox_bytes_total\{from="target"\} (\d+)$/m.exec(page)?.[1]);
    };
    const before = await passed();
    // A ping is 17 bytes, and more in a TLS record; two agents are pinged each second.
    await expect.poll(passed, { timeout: 60_000, interval: 500 }).toBeGreaterThan(before + 12 * 17);
    const log = await lab.compose.do(['logs', '--no-log-prefix', '--since', since, 'middlebox']);
    expect(log).not.toMatch(/flow\.forgotten .*address=server:8091/);
    expect((await lab.run(['exec', 'shell', '--', 'true'])).code).toBe(0);
  });
});
