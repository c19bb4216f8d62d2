import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseWith, TitrateError } from '../../contracts';

const priceSchema = z.strictObject({
  /** What one unit is, in words. */
  unit: z.string().min(1),
  usd: z.number().min(0),
  source: z.string().min(1),
  date: z.iso.date(),
});
export type Price = z.infer<typeof priceSchema>;

const guess = (usd: number, unit: string, look: string): Price => ({
  usd,
  unit,
  source: `order of magnitude of the list price in Europe, not looked up; see ${look}`,
  date: '2026-11-28',
});

/** Taken for granted until `--prices` says better: nobody's offer, and before discounts and taxes. */
export const PRICES = {
  'e2-standard-4': guess(0.15, 'hour', 'https://cloud.google.com/compute/all-pricing'),
  'e2-standard-8-spot': guess(0.1, 'hour', 'https://cloud.google.com/spot-vms/pricing'),
  'n1-standard-8-t4': guess(0.8, 'hour', 'https://cloud.google.com/compute/gpus-pricing'),
  'vertex-n1-standard-8-t4': guess(0.95, 'hour', 'https://cloud.google.com/vertex-ai/pricing'),
  'dataflow-vcpu': guess(0.06, 'vCPU hour, with its memory', 'https://cloud.google.com/dataflow/pricing'),
  'cluster-fee': guess(0.1, 'hour', 'https://cloud.google.com/kubernetes-engine/pricing'),
  nat: guess(0.05, 'hour', 'https://cloud.google.com/nat/pricing'),
  'object-month': guess(0.021, 'GB month', 'https://cloud.google.com/storage/pricing'),
  'bigquery-scanned': guess(7.5, 'TiB', 'https://cloud.google.com/bigquery/pricing'),
  'bigquery-month': guess(0.023, 'GB month', 'https://cloud.google.com/bigquery/pricing'),
  'temporal-month': guess(100, 'month', 'https://temporal.io/pricing'),
  'temporal-actions': guess(50, 'million actions', 'https://temporal.io/pricing'),
} as const satisfies Record<string, Price>;
export type PriceName = keyof typeof PRICES;
export type Prices = Readonly<Record<PriceName, Price>>;

const NAMES = Object.keys(PRICES) as [PriceName, ...PriceName[]];
const fileSchema = z.partialRecord(z.enum(NAMES), priceSchema);

/** The prices, with those of a JSON file in their places. @throws TitrateError source-missing, config-invalid */
export function loadPrices(file: string | undefined): Prices {
  if (file === undefined) return PRICES;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const what = `the prices cannot be read: ${(cause as Error).message}`;
    throw new TitrateError('source-missing', { what, where: file, remedy: 'Mend --prices' }, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const what = `no JSON: ${(cause as Error).message}`;
    const remedy =
      'Write { "e2-standard-4": { "unit": "hour", "usd": 0.15, "source": "…", "date": "2026-11-28" } }';
    throw new TitrateError('config-invalid', { what, where: file, remedy }, { cause });
  }
  return { ...PRICES, ...parseWith(fileSchema, value, file) };
}
