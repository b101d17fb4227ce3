import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createKlog } from '../../../src/dropin/klog.js';

const now = (): Date => new Date(2026, 5, 3, 7, 8, 9, 12);

/** A log, its text, and a reader that may rest. */
function open(verbosity: number, restsAtFirst = false) {
  let text = '';
  let writes = 0;
  let resting = restsAtFirst;
  let proceed: () => void = () => undefined;
  const destination = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      writes += 1;
      if (resting) proceed = done;
      else done();
    },
  });
  const log = createKlog({ program: 'proxy-agent', verbosity, destination, now });
  const wake = (): void => {
    resting = false;
    proceed();
  };
  return { log, text: () => text, writes: () => writes, wake, destination };
}

const packet = { kind: 'packet', node: 'agent/a', peer: 'server/s', dir: 'in', bytes: 0 } as const;

describe('a log as of klog', () => {
  it('has severity, local time, process and program before each line', () => {
    const { log, text } = open(0);
    log.say('W', 'two\nlines');
    expect(text()).toMatch(/^W0603 07:08:09\.012000 +\d+ proxy-agent:0\] two lines\n$/);
  });

  it.each([
    [0, []],
    [3, ['dial.started']],
    [5, ['dial.started', 'DIAL_REQ']],
    [6, ['dial.started', 'DIAL_REQ', 'DATA']],
  ])('tells at --v=%i of connections and packets: %o', (verbosity, wanted) => {
    const { log, text } = open(verbosity);
    log.event({ kind: 'dial.started', node: 'server/s' });
    log.event({ ...packet, packet: 'DIAL_REQ' });
    log.event({ ...packet, packet: 'DATA' });
    log.flush();
    expect(text().match(/dial\.started|DIAL_REQ|DATA/g) ?? []).toEqual(wanted);
  });

  it('gathers information, and writes it in order before what went wrong', async () => {
    const { log, text, writes } = open(0);
    log.say('I', 'one');
    log.say('I', 'two');
    expect(text()).toBe('');
    log.say('W', 'three');
    log.say('I', 'four');
    await expect.poll(text).toMatch(/^I.* one\nI.* two\nW.* three\nI.* four\n$/);
    expect(writes()).toBe(2);
  });

  it('tells of what went wrong at any --v', () => {
    const { log, text } = open(0);
    log.event({ kind: 'agent.retry', node: 'agent/a', error: 'refused' });
    expect(text()).toMatch(/^W.*agent\.retry {2}error=refused\n$/);
  });

  it('drops lines when they are not read, and reports how many', async () => {
    const { log, text, wake, destination } = open(0, true);
    const long = 'x'.repeat(1000);
    for (let count = 0; count < 5000; count += 1) log.say('I', long);
    expect(destination.writableLength).toBeLessThan(1.1 * 1024 * 1024);
    log.flush();
    wake();
    await expect.poll(() => destination.writableLength).toBe(0);
    const kept = text().split(long).length - 1;
    log.say('I', 'last');
    log.flush();
    expect(text()).toMatch(new RegExp(`\\nW.*\\] ${5000 - kept} lines were lost.*\\nI.* last\\n$`));
  });
});
