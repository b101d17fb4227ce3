import type { Lab } from '../lab/lab.js';
import type { Fault } from '../links/fault.js';
import type { FaultDocument } from '../links/fault-document.js';
import type { EventPattern } from '../observe/event-match.js';
import { failed } from './failed.js';
import { judge, type Outcome, type RequestStep, request } from './requests.js';
import type { Step, StepOf, Verb } from './schema.js';
import { addWebhook } from './webhooks.js';

/** A scenario under way. */
export interface ScenarioRun {
  readonly lab: Lab;
  /** The requests of steps with a name, also those that go on. */
  readonly requests: Map<string, Promise<Outcome>>;
  readonly faults: Map<string, Fault>;
  /** The `seq` of the journal before each step with a name. */
  readonly marks: Map<string, number>;
  /** Ends what steps have begun outside of the lab. */
  readonly closers: (() => void)[];
  /** The same before the last step. */
  lastMark: number;
}

/** Takes a step. Resolves with what was seen; rejects with EXPECTATION_FAILED, or as the lab does. */
export async function take(run: ScenarioRun, step: Step): Promise<string> {
  if ('as' in step && step.as !== undefined) run.marks.set(step.as, run.lab.mark());
  const verb = verbs[step.verb] as (run: ScenarioRun, step: Step) => Promise<string>;
  return verb(run, step);
}

async function ask(run: ScenarioRun, step: RequestStep): Promise<string> {
  const outcome = request(run.lab, step);
  if (step.as !== undefined) run.requests.set(step.as, outcome);
  return step.background === true ? 'goes on' : judge(await outcome, step.expect);
}

const verbs: { readonly [V in Verb]: (run: ScenarioRun, step: StepOf<V>) => Promise<string> } = {
  exec: ask,
  logs: ask,
  dial: ask,
  api: ask,
  async webhook({ lab, closers }, { webhook }) {
    closers.push(await addWebhook(lab, webhook));
    return '';
  },
  async watch({ lab }, { watch }) {
    await lab.watch(watch).synced;
    return 'has all objects';
  },
  async join({ requests }, { join, expect }) {
    const outcome = requests.get(join);
    if (outcome === undefined) throw failed(`no earlier step has the name ${join}`);
    return judge(await outcome, expect);
  },
  async fault({ lab, faults, marks }, { fault }) {
    const mark = lab.mark();
    const set = lab.fault(fault as unknown as FaultDocument);
    faults.set(set.id, set);
    marks.set(set.id, mark);
    return set.id;
  },
  async remove({ faults }, { remove }) {
    const fault = faults.get(remove);
    if (fault === undefined)
      throw failed(`no fault is called ${remove}; there are ${[...faults.keys()].join(', ')}`);
    const { healed, broken } = fault.remove();
    return `${healed} continue, ${broken} do not`;
  },
  async heal({ lab }) {
    lab.heal();
    return '';
  },
  async part({ lab }, { part: name, do: verb }) {
    await lab.part(name)[verb]();
    return '';
  },
  async apiservers({ lab }, { apiservers }) {
    if ('resize' in apiservers) await lab.apiservers.resize(apiservers.resize);
    else {
      const { connections, outage } = apiservers.move;
      await lab.apiservers.move({
        ...(connections === undefined ? {} : { connections }),
        ...(outage === undefined ? {} : { outageMs: outage }),
      });
    }
    return '';
  },
  async wait({ lab }, { wait }) {
    await lab.sleep(wait);
    return '';
  },
  async timeScale({ lab }, { timeScale }) {
    lab.timeScale = timeScale;
    return '';
  },
  async events({ lab, marks, lastMark }, { events, order, none, since, within }) {
    const mark = since === undefined ? lastMark : marks.get(since);
    if (mark === undefined) throw failed(`since: no earlier step has the name ${since}`);
    const found = await lab.expectEvents(events as never as readonly EventPattern[], {
      since: mark,
      ...(order === undefined ? {} : { order }),
      ...(none === undefined ? {} : { none: none as never as readonly EventPattern[] }),
      ...(within === undefined ? {} : { withinMs: within }),
    });
    return found.map(({ kind, node, text }) => `${node} ${text ?? kind}`).join('\n');
  },
  async connections({ lab }, { connections: wanted, within = 0 }) {
    const count = () => {
      const views = lab.connections();
      return { open: views.length, zombies: views.filter(({ zombie }) => zombie).length };
    };
    const isRight = (): boolean => {
      const { open, zombies } = count();
      return (wanted.open ?? open) === open && (wanted.zombies ?? zombies) === zombies;
    };
    const endMs = lab.now + within;
    while (!isRight() && lab.now < endMs) await lab.sleep(checkMs);
    const { open, zombies } = count();
    const seen = `${open} open, ${zombies} zombies`;
    if (!isRight()) throw failed(`expected ${JSON.stringify(wanted)}\nseen: ${seen}`);
    return seen;
  },
  async explain({ lab, requests }, { explain, cause }) {
    const name = (await requests.get(explain))?.request ?? explain;
    const { causes, line } = lab.explain(name);
    const found: readonly string[] = causes.map((proven) => proven.cause);
    if (!found.includes(cause))
      throw failed(`expected the cause ${cause}\nseen: ${found.join(', ') || 'none'}`);
    return line;
  },
  async settled({ lab }, { within }) {
    await lab.settled(within === undefined ? {} : { withinMs: within });
    return '';
  },
};

/** How often a condition that is no event is checked, lab ms. */
const checkMs = 10;
