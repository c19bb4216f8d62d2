/**
 * `npm run capacity -- --pool 1e6 --batch 384 --rounds 12 --round-days 30`: what a campaign takes on Google Cloud: pods and nodes, GPU hours,
 * bytes, money. `--assumptions` prints what it is reckoned from; `--prices FILE` puts prices of one's own in the places of ours; `--json` prints one JSON value.
 */
import { parseArgs } from 'node:util';
import { asTitrateError, TitrateError } from '../src/contracts';
import { table } from '../src/cli/table';
import {
  ASSUMPTIONS,
  capacityOf,
  costTable,
  loadPrices,
  type Capacity,
  type Prices,
  type Workload,
} from '../src/platform/capacity';

const DEFAULTS = {
  pool: '1e6',
  batch: '384',
  rounds: '12',
  'round-days': '30',
  labels: '500',
  'first-hours': '2',
  'vertex-from-labels': '5000',
  'dataflow-from-megabytes': '64',
} as const;
type NumberOption = keyof typeof DEFAULTS;
const WHOLE: ReadonlySet<NumberOption> = new Set(['pool', 'batch', 'rounds', 'labels']);

const HELP = `npm run capacity -- [options]

  --pool N                    molecules to choose from (default ${DEFAULTS.pool})
  --batch N                   molecules of a batch (${DEFAULTS.batch})
  --rounds N                  (${DEFAULTS.rounds})
  --round-days DAYS           from one batch to the next (${DEFAULTS['round-days']})
  --labels N                  labels before the first round (${DEFAULTS.labels})
  --first-hours HOURS         how long the first features may take (${DEFAULTS['first-hours']})
  --vertex-from-labels N      as training.vertexFromLabels (${DEFAULTS['vertex-from-labels']})
  --dataflow-from-megabytes N as processing.dataflowFromMegabytes (${DEFAULTS['dataflow-from-megabytes']})
  --prices FILE               JSON with prices of your own
  --assumptions               print what it is reckoned from
  --cost-table                print the table of docs/google-cloud-setup.md
  --json                      print one JSON value`;

interface Options {
  readonly workload: Workload;
  readonly prices: Prices;
  readonly assumptions: boolean;
  readonly costTable: boolean;
  readonly json: boolean;
}

/** @throws TitrateError usage */
function numberOf(name: NumberOption, text: string): number {
  const value = Number(text);
  if (
    text.trim() !== '' &&
    Number.isFinite(value) &&
    value > 0 &&
    (!WHOLE.has(name) || Number.isInteger(value))
  )
    return value;
  throw new TitrateError('usage', {
    what: `'${text}' is no ${WHOLE.has(name) ? 'whole number' : 'number'} above 0`,
    where: `--${name}`,
    remedy: `Write it as ${DEFAULTS[name]}`,
  });
}

function readOptions(argv: string[]): Options | 'help' {
  const numbers = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, value]) => [name, { type: 'string' as const, default: value }]),
  );
  let values: Record<string, string | boolean | undefined>;
  try {
    const flag = { type: 'boolean' as const, default: false };
    ({ values } = parseArgs({
      args: argv,
      options: {
        ...numbers,
        prices: { type: 'string' },
        assumptions: flag,
        'cost-table': flag,
        json: flag,
        help: flag,
      },
    }) as { values: typeof values });
  } catch (cause) {
    const what = (cause as Error).message;
    throw new TitrateError('usage', { what, remedy: '--help shows what is possible' }, { cause });
  }
  if (values.help) return 'help';
  const number = (name: NumberOption) => numberOf(name, String(values[name]));
  return {
    workload: {
      pool: number('pool'),
      batch: number('batch'),
      rounds: number('rounds'),
      roundDays: number('round-days'),
      labels: number('labels'),
      firstHours: number('first-hours'),
      vertexFromLabels: number('vertex-from-labels'),
      dataflowFromMegabytes: number('dataflow-from-megabytes'),
    },
    prices: loadPrices(values.prices as string | undefined),
    assumptions: values.assumptions === true,
    costTable: values['cost-table'] === true,
    json: values.json === true,
  };
}

const short = (value: number) => Number(value.toPrecision(3));

function describe(capacity: Capacity, { pool, batch, rounds, roundDays }: Workload): string {
  const { rounds: needs } = capacity;
  const last = needs.at(-1)!;
  const gpuHours = needs.reduce((total, one) => total + one.gpuHours, 0);
  return [
    `${pool} molecules, ${rounds} rounds of ${batch} every ${roundDays} days`,
    '',
    table(
      ['what', 'how much', 'unit'],
      [
        ['standardising the pool', short(capacity.standardiseCpuHours), 'vCPU hours'],
        ['features of the pool, once', short(capacity.featuriseCpuHours), 'vCPU hours'],
        ['pods of featurization', capacity.featurizationPods, 'pods'],
        ['spot nodes for them', capacity.spotNodes, 'nodes'],
        ['until the first features are made', short(capacity.firstHours), 'hours'],
        ['first round, from results to batch', short(needs[0]!.hours), `hours, by ${needs[0]!.where}`],
        ['last round, from results to batch', short(last.hours), `hours, by ${last.where}`],
        ['machines with a GPU', short(gpuHours), 'hours'],
        ['objects', short(capacity.objectGigabytes), 'GB'],
        ['BigQuery, kept', short(capacity.bigQueryGigabytes), 'GB'],
        ['BigQuery, billed', short(capacity.bigQueryBytesBilled / 2 ** 30), 'GiB'],
      ],
    ),
    '',
    table(
      ['cost', 'quantity', 'unit', 'USD'],
      [
        ...capacity.lines.map(({ what, quantity, unit, usd }) => [what, short(quantity), unit, short(usd)]),
        [`all, ${short(capacity.months)} months`, null, null, short(capacity.usd)],
      ],
    ),
  ].join('\n');
}

function main(argv: string[]): void {
  const options = readOptions(argv);
  if (options === 'help') return void process.stdout.write(`${HELP}\n`);
  const { workload, prices, json, assumptions } = options;
  if (options.costTable) return void process.stdout.write(`${costTable(prices)}\n`);
  const capacity = capacityOf(workload, prices);
  if (json) {
    process.stdout.write(`${JSON.stringify({ workload, capacity, assumptions: ASSUMPTIONS, prices })}\n`);
    return;
  }
  process.stdout.write(`${describe(capacity, workload)}\n`);
  if (!assumptions) return;
  const rows = [...Object.entries(ASSUMPTIONS), ...Object.entries(prices)].map(([name, one]) => [
    name,
    'value' in one ? one.value : one.usd,
    'value' in one ? one.unit : `USD a ${one.unit}`,
    one.date,
    one.source,
  ]);
  process.stdout.write(`\n${table(['assumption', 'value', 'unit', 'date', 'source'], rows)}\n`);
}

if (require.main === module) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    const { code, message } = asTitrateError(error);
    process.stderr.write(`capacity: ${message}\n`);
    process.exitCode = code === 'usage' ? 2 : 1;
  }
}
