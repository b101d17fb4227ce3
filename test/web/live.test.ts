import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Control, startControl } from '../../src/control/start-control.js';
import type { Lab } from '../../src/lab/lab.js';
import { startLab } from '../../src/lab/start-lab.js';
import { chromiumPath, openPage, picture, startBrowser } from './browser.js';

let lab: Lab;
let control: Control;
let browser: Browser;

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  // Pings would keep the flow of the middlebox alive.
  const keepalive = { agentsMs: 3_600_000, serversMs: 3_600_000 };
  lab = await startLab({ nodes: 2, timeScale: 10, keepalive, strategies: ['destHost'], seed: 1 });
  control = await startControl(lab);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await control?.close();
  await lab?.stop();
});

async function exec(page: Page, pod: string, command: string): Promise<void> {
  await page.locator('#pod').selectOption(pod);
  await page.locator('#command').fill(command);
  await page.keyboard.press('Enter');
}

describe.skipIf(chromiumPath === undefined)('the page of a live lab', () => {
  it('shows the cluster at once: who dialled whom, and what each end believes', async () => {
    const { page, errors } = await openPage(browser, control.url);
    await page.locator('#map-svg >> text=web-1').waitFor();
    const paintMs = await page.evaluate(
      `performance.getEntriesByName('first-contentful-paint')[0].startTime`,
    );
    process.stdout.write(`first paint after ${Math.round(Number(paintMs))} ms\n`);
    await page.locator('h1 >> text=2 agents dialled out and hold 2 connections').waitFor();
    expect(await page.locator('#map-svg .chip').count()).toBe(4);
    await picture(page, 'live-light');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('replays an exec on the map and draws its ladder', async () => {
    const { page, errors } = await openPage(browser, control.url);
    await exec(page, 'web-2', "sh -c 'hostname; exit 7'");
    await page.locator('.console >> text=command terminated with exit code 7').waitFor();
    await page.locator('.result >> text=exit 7').waitFor();
    await page.locator('#map-svg .g.data, #map-svg .g.dial').first().waitFor();
    await picture(page, 'exec-light');
    expect(await page.locator('#ladder-svg .hop').count()).toBeGreaterThan(8);
    await page.locator('button[aria-label^="To the start"]').click();
    await page.locator('button[aria-label^="Step (→)"]').click();
    await page.locator('h1 >> text=asks for a way').or(page.locator('h1 >> text=travels back')).waitFor();
    expect(errors).toEqual([]);
    await page.close();
  });

  it('sets a fault, shows its zombie, explains the request that hangs, and heals', async () => {
    const { page, errors } = await openPage(browser, control.url, { scheme: 'dark' });
    await page.locator('#fault-place').selectOption('agent/node-1 → server/server-1');
    await page.locator('text=What would be hit?').click();
    await page.locator('[role=status] >> text=could hit the open connections agent/node-1').waitFor();
    await page.locator('.add button.primary').click();
    await page.locator('.fault >> text=after 60 s idle: drop').waitFor();
    await page.locator('.say >> text=node-1 is a zombie').waitFor();
    await exec(page, 'web-1', 'hostname');
    await page.locator('.console >> text=dial timeout, backstop').waitFor();
    await picture(page, 'zombie-dark');
    await page.locator('.console button.small').last().click();
    await page.locator('.redline >> text=dial timeout, backstop').waitFor();
    await page.locator('caption >> text=flow-forgotten').waitFor();
    await picture(page, 'explain-dark');
    await page.locator('text=Back to the map').click();
    await page.locator('button[aria-label^="Heal fault-"]').click();
    await page.locator('.fault.healed').waitFor();
    expect(errors).toEqual([]);
    await page.close();
  });

  it('kills a part and starts it again', async () => {
    const { page, errors } = await openPage(browser, control.url, { width: 390, height: 844 });
    await page.locator('#part').selectOption('agent/node-2');
    await page.locator('.parts button').click();
    await page.locator('.phone >> text=✕ killed').waitFor();
    await picture(page, 'killed-phone');
    await page.locator('#deed').selectOption('start');
    await page.locator('.parts button').click();
    await page.locator('.phone >> text=✕ killed').waitFor({ state: 'detached' });
    expect(errors).toEqual([]);
    await page.close();
  });

  it('keeps its last picture when the lab is gone, and shows the lab that comes after', async () => {
    const { page } = await openPage(browser, control.url);
    await page.locator('.chip:visible').first().waitFor();
    const { port } = control;
    await control.close();
    await page.locator('.banner >> text=No news from the lab').waitFor();
    expect(await page.locator('.chip:visible').count()).toBeGreaterThan(0);
    await lab.stop();
    lab = await startLab({ nodes: 3, seed: 2 });
    control = await startControl(lab, { port });
    await page.locator('.facts >> text=● live').waitFor();
    await page.locator('#map-svg >> text=node-3').first().waitFor();
    expect(await page.locator('.facts').innerText()).toContain('seed 2');
    await page.close();
  });
});
