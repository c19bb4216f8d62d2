import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Registry } from 'prom-client';
import { packageRoot } from '../../src/foundation';
import { createMetrics } from '../../src/observability';
import { createServingMetrics } from '../../src/serving/metrics';

const FILE = path.join(packageRoot, 'docs/observability.md');
const [BEGIN, END] = ['<!-- metrics -->', '<!-- end of metrics -->'];
type Row = readonly string[];

async function rowsOf(registry: Registry): Promise<Row[]> {
  return (await registry.getMetricsAsJSON()).map(({ name, type, help }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: string[] };
    const labels = labelNames.filter((label) => label !== 'le').map((label) => `\`${label}\``);
    return [`\`${name}\``, String(type), labels.join(', '), help];
  });
}

/** Rows of the table in the text, without its head. */
function documented(text: string): Row[] {
  const section = text.slice(text.indexOf(BEGIN), text.indexOf(END));
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** TITRATE_WRITE_DOCS=1 writes the table anew; run prettier over it afterwards. */
test('docs/observability.md tells of every metric what the code says of it, and of no other', async () => {
  const rows = [
    ...(await rowsOf(createMetrics().registry)),
    ...(await rowsOf(createServingMetrics().registry)),
  ];
  const text = readFileSync(FILE, 'utf8');
  expect(text.indexOf(END)).toBeGreaterThan(text.indexOf(BEGIN));
  if (process.env.TITRATE_WRITE_DOCS) {
    const head = [
      ['metric', 'type', 'labels', 'what it is'],
      ['---', '---', '---', '---'],
    ];
    const table = [...head, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
    const written = `${text.slice(0, text.indexOf(BEGIN))}${BEGIN}\n\n${table}\n\n${text.slice(text.indexOf(END))}`;
    writeFileSync(FILE, written);
  }
  expect(documented(readFileSync(FILE, 'utf8'))).toEqual(rows);
});
