import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { describeWhere } from './describe-where';

function chromiumAt(): string | null {
  const places = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  return places.find((file) => file && existsSync(file)) ?? null;
}

/** A real browser, headless. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumAt()!, args: ['--no-sandbox', '--disable-gpu'] });

/** `describe` for tests that look at a page; skipped in one line without a browser, failing with TITRATE_SKIP_NOTHING. */
export const describeWithBrowser = (name: string, body: () => void): void =>
  describeWhere(chromiumAt() ? null : 'no Chromium (set CHROMIUM to one)', name, body);
