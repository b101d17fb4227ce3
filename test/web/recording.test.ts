import { readFile } from 'node:fs/promises';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Control, startControl } from '../../src/control/start-control.js';
import type { Lab } from '../../src/lab/lab.js';
import { startLab } from '../../src/lab/start-lab.js';
import { recordingFile } from '../unit/web/recorded.js';
import { chromiumPath, drop, type Look, openPage, picture, startBrowser } from './browser.js';

let lab: Lab;
let control: Control;
let browser: Browser;
let recording: string;

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  lab = await startLab({ nodes: 1 });
  control = await startControl(lab);
  browser = await startBrowser();
  recording = await readFile(recordingFile, 'utf8');
});

afterAll(async () => {
  await browser?.close();
  await control?.close();
  await lab?.stop();
});

async function openRecording(text: string, look?: Look): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(browser, control.url, look);
  await opened.page.locator('.chip:visible').first().waitFor();
  await drop(opened.page, 'zombie.ndjson', text);
  await opened.page.locator('.facts >> text=zombie.ndjson').waitFor();
  return opened;
}

/** The recording again and again, with new numbers and later times. */
function repeated(text: string, atLeast: number): string {
  const [header = '', ...lines] = text.trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { seq: number; t: number });
  const [count, length] = [events.length, events.at(-1)?.t ?? 0];
  const rounds = Math.ceil(atLeast / count);
  const all = Array.from({ length: rounds }, (_, round) =>
    events.map((event) =>
      JSON.stringify({ ...event, seq: event.seq + round * count, t: event.t + round * length }),
    ),
  );
  return `${[header, ...all.flat()].join('\n')}\n`;
}

describe.skipIf(chromiumPath === undefined)('the page of a recording', () => {
  it('shows the lost packet of a zombie, step by step', async () => {
    const { page, errors } = await openRecording(recording);
    await page.locator('#req').selectOption('main-62');
    await page.locator('button[aria-label^="To the start"]').click();
    await page.locator('button[aria-label^="Step (→)"]').click();
    await page.locator('button[aria-label^="Step (→)"]').click();
    await page.locator('#map-svg >> text=DIAL_REQ lost').waitFor();
    await page.locator('h1 >> text=is sent to node-1, and nothing comes back.').waitFor();
    await picture(page, 'recording-light');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('says what is wrong with a file that is no recording', async () => {
    const { page } = await openPage(browser, control.url);
    await drop(page, 'notes.txt', 'hello\n');
    await page.locator('.banner >> text=notes.txt is not a recording').waitFor();
    await page.close();
  });

  it('filters by fields, and says what is wrong with a filter', async () => {
    const { page, errors } = await openRecording(recording);
    await page.locator('#filter').fill('kind:packet node:agent/node-1');
    await page.locator('text=/^0 of 355 events$/').waitFor();
    await page.locator('#filter').fill('kind:flow.forgotten');
    await page.locator('text=/^1 of 355 events$/').waitFor();
    await page.locator('#filter').fill('kynd:packet');
    await page.locator('#filter-error >> text=kynd').waitFor();
    expect(errors).toEqual([]);
    await page.close();
  });

  it('can be used by keyboard alone', async () => {
    const { page, errors } = await openRecording(recording);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.locator('#ladder-svg .headk').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('kind:flow.lost');
    await page.keyboard.press('Escape');
    await page.locator('text=/^1 of 355 events$/').waitFor();
    await page.keyboard.press('e');
    await page.locator('.doc').waitFor();
    await page.keyboard.press('e');
    await page.keyboard.press('t');
    await page.locator('.table .steps').waitFor();
    await page.keyboard.press('?');
    await page.locator('[role=dialog] >> text=next step').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement?.tagName')).not.toBe('BODY');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('moves nothing for those who want no motion: a replay goes from step to step of a table', async () => {
    const { page, errors } = await openRecording(recording);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.locator('.table .steps').waitFor();
    expect(await page.locator('#ladder-svg').count()).toBe(0);
    await page.locator('#req').selectOption('exec-2');
    await page.locator('button.play').click();
    await page.locator('.steps tr[aria-current=step]').waitFor();
    expect(errors).toEqual([]);
    await page.close();
  });

  it.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 390],
  ] as const)('has no serious finding of axe, %s at %i', async (scheme, width) => {
    const { page } = await openRecording(recording, { scheme, width });
    for (const view of ['map', 'explain']) {
      if (view === 'explain') await page.locator('.top nav button').last().click();
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate('axe.run()')) as {
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      };
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${view} ${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
    }
    await picture(page, `axe-${scheme}-${width}`);
    await page.close();
  });

  it('stays quick with 10,000 and 100,000 events', async () => {
    for (const count of [10_000, 100_000]) {
      const { page, errors } = await openRecording(repeated(recording, count));
      await page.locator('text=/^\\d{5,} events$/').waitFor();
      const filterMs = await page.evaluate(`(async () => {
        const input = document.querySelector('#filter');
        const before = performance.now();
        input.value = 'kind:packet request:exec-2';
        input.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        return Math.round(performance.now() - before);
      })()`);
      process.stdout.write(`filter over ${count} events: ${String(filterMs)} ms\n`);
      await page.locator('text=/^\\d+ of \\d{5,} events$/').waitFor();
      await page.locator('button[aria-label^="To the start"]').click();
      await page.locator('#ladder-svg .headk').waitFor();
      expect(errors).toEqual([]);
      await page.close();
    }
  });
});
