import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const pictures = fileURLToPath(new URL('./pictures', import.meta.url));

/** Chromium of this machine: `CHROMIUM_PATH`, or a program of that name. */
export const chromiumPath =
  process.env['CHROMIUM_PATH'] ??
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
    .find((file) => existsSync(file));

if (chromiumPath === undefined) {
  process.stderr.write('SKIPPED: npm run test:web: no chromium in PATH, and no CHROMIUM_PATH\n');
}

export function startBrowser(): Promise<Browser> {
  // In a container there is no user to sandbox for.
  return chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
}

export interface Look {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

/** A page that fails the test by what it logs: an error of a script, a breach of the content security policy. */
export async function openPage(
  browser: Browser,
  url: string,
  look: Look = {},
): Promise<{ page: Page; errors: string[] }> {
  const { scheme = 'light', width = 1440, height = 900 } = look;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:'))
      errors.push(`asks ${request.url()}`);
  });
  page.setDefaultTimeout(30_000);
  await page.goto(url);
  return { page, errors };
}

/** A picture to look at. Git ignores it. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const isPhone = (page.viewportSize()?.width ?? 0) <= 720;
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: isPhone });
}

/** Drops a file on the page. */
export async function drop(page: Page, name: string, text: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    `(() => { const transfer = new DataTransfer();
      transfer.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
      return transfer; })()`,
  );
  await page.dispatchEvent('.page', 'drop', { dataTransfer: transfer });
}
