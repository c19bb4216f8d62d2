import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { renderReport } from '../../src/reporting';
import { describeWithBrowser, launchBrowser } from '../support/browser';
import { simulateCampaign } from './support/campaign';
import { rdkitDepict } from './support/depict';

describeWithBrowser('the report in a real browser', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-report-'));
  const file = path.join(directory, 'report.html');
  let browser: Browser;

  beforeAll(async () => {
    const { record, load } = simulateCampaign({ rounds: 3, poolSize: 120 });
    writeFileSync(
      file,
      await renderReport({ record, load, depict: await rdkitDepict(), generatedAt: '2026-11-11T14:30:00Z' }),
    );
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function open(width: number, colorScheme: 'light' | 'dark') {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`file://${file}`);
    return { page, complaints, requests };
  }

  test.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
  ] as const)(
    'at %i px, %s: fits, fetches nothing, complains of nothing, draws its molecules and charts',
    async (width, scheme) => {
      const { page, complaints, requests } = await open(width, scheme);
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
      const seen = await page.evaluate(`(() => {
      const pictures = [...document.images];
      return {
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        pictures: pictures.length,
        broken: pictures.filter((img) => img.complete && img.naturalWidth === 0 && img.loading !== 'lazy').length,
        charts: [...document.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 100).length,
        background: getComputedStyle(document.body).backgroundColor,
      };
    })()`);
      expect(seen).toMatchObject({ overflow: 0, broken: 0 });
      const { pictures, charts, background } = seen as {
        pictures: number;
        charts: number;
        background: string;
      };
      expect(pictures).toBeGreaterThan(10);
      expect(charts).toBeGreaterThan(4);
      const brightness = background
        .match(/\d+/g)!
        .slice(0, 3)
        .reduce((sum, c) => sum + Number(c) / 3, 0);
      expect(brightness > 128).toBe(scheme === 'light');
      await page.close();
    },
  );
});
