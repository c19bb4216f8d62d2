import { TitrateError } from '../../contracts';
import type { ObjectStore } from '../../objects';

export interface BigQueryIndexOptions {
  readonly projectId: string;
  /** BigQuery dataset of the tables; made in `location` where it is missing. */
  readonly dataset: string;
  /** Where the data lie and jobs run: `EU`, `US`, `europe-west4`, … */
  readonly location: string;
  /** A query that would bill more is refused before it runs, bytes. BigQuery bills at least 10 MiB a table. */
  readonly maximumBytesBilled: number;
  /** On the dataset, every table and every job, for the bill. Keys and values of [a-z0-9_-], up to 63. */
  readonly labels: Readonly<Record<string, string>>;
  /** Another API endpoint, without a path. Over plain http (an emulator) no credentials are looked for. */
  readonly endpoint?: string;
  readonly objects: Pick<ObjectStore, 'externalUri' | 'localPath' | 'get'>;
  /** Put before the name of every table, so that several warehouses share one dataset. */
  readonly prefix?: string;
  /** Told what BigQuery bills for each query that it has run, bytes. */
  readonly onBilled?: (bytes: number) => void;
}

/** Names stand in SQL text, where no parameter can, so they are checked before anything runs. */
const PATTERNS = {
  projectId: /^(?:[a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{3,62}$/,
  dataset: /^[A-Za-z0-9_]{1,1024}$/,
  location: /^[A-Za-z0-9-]{2,40}$/,
  prefix: /^[A-Za-z0-9_]{0,100}$/,
} as const;
const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

/** @throws TitrateError config-invalid, naming the option. */
export function checkOptions(options: BigQueryIndexOptions): void {
  const refuse = (option: string, what: string, remedy: string) => {
    throw new TitrateError('config-invalid', { what, where: `BigQuery warehouse, ${option}`, remedy });
  };
  const given = { ...options, prefix: options.prefix ?? '' };
  for (const [option, pattern] of Object.entries(PATTERNS)) {
    const value = given[option as keyof typeof PATTERNS];
    if (!pattern.test(value))
      refuse(option, `'${value}' is not a valid ${option}`, `Expected ${pattern.source}`);
  }
  const { maximumBytesBilled } = options;
  if (!Number.isSafeInteger(maximumBytesBilled) || maximumBytesBilled < 1)
    refuse(
      'maximumBytesBilled',
      `${maximumBytesBilled} is not a number of bytes`,
      'Give a whole number above 0',
    );
  for (const [key, value] of Object.entries(options.labels)) {
    if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
      refuse(
        'labels',
        `'${key}: ${value}' is not a label`,
        'Use lower-case letters, digits, _ and -, up to 63',
      );
  }
}
