import type { BucketMetadata } from '@google-cloud/storage';
import { canonicalJson, TitrateError } from '../contracts';
import { connectGcs, namePrefix, type GcsOptions } from './gcs-connection';
import { DEFAULT_RETRY, request } from './gcs-retry';

export interface PrepareBucketOptions extends GcsOptions {
  /** Region or multi-region of a bucket that has to be made, e.g. `europe-west1`. */
  readonly location: string;
  /** Days after its last touch that a landing is deleted, 1 or more. */
  readonly landingDays: number;
  /** Days that a replaced or deleted generation can still be restored, 1 or more. */
  readonly noncurrentDays: number;
  /** Merged into the bucket's labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Says what would change and changes nothing. */
  readonly dryRun?: boolean;
}

type Rule = NonNullable<NonNullable<BucketMetadata['lifecycle']>['rule']>[number];

/** The rules of this store. Custom time is set when a landing is stored or stored again, so a landing in use is young. */
function lifecycleRules(prefix: string, { landingDays, noncurrentDays }: PrepareBucketOptions): Rule[] {
  return [
    {
      action: { type: 'Delete' },
      condition: { daysSinceCustomTime: landingDays, matchesPrefix: [`${prefix}landing/`] },
    },
    {
      action: { type: 'Delete' },
      condition: {
        daysSinceNoncurrentTime: noncurrentDays,
        ...(prefix !== '' && { matchesPrefix: [prefix] }),
      },
    },
  ];
}

/** A rule of an earlier run of ours, with other days: same action, same scope, same kind of condition. */
const shapeOf = (rule: Rule) =>
  canonicalJson({
    action: rule.action.type,
    conditions: Object.keys(rule.condition).sort(),
    prefixes: rule.condition.matchesPrefix ?? [],
  });

interface Difference {
  readonly patch: BucketMetadata;
  readonly words: readonly string[];
}

function difference(found: BucketMetadata, options: PrepareBucketOptions): Difference {
  const prefix = namePrefix(options);
  const patch: BucketMetadata = {};
  const words: string[] = [];
  if (found.versioning?.enabled !== true) {
    patch.versioning = { enabled: true };
    words.push('turn object versioning on');
  }
  const iam = found.iamConfiguration;
  if (iam?.uniformBucketLevelAccess?.enabled !== true || iam.publicAccessPrevention !== 'enforced') {
    patch.iamConfiguration = {
      uniformBucketLevelAccess: { enabled: true },
      publicAccessPrevention: 'enforced',
    };
    words.push('give access by the bucket alone, never to the public');
  }
  const standing = found.lifecycle?.rule ?? [];
  const wanted = lifecycleRules(prefix, options);
  const isThere = (rule: Rule) => standing.some((other) => canonicalJson(other) === canonicalJson(rule));
  if (!wanted.every(isThere)) {
    const shapes = new Set(wanted.map(shapeOf));
    patch.lifecycle = { rule: [...standing.filter((rule) => !shapes.has(shapeOf(rule))), ...wanted] };
    words.push(
      `delete what lies untouched under ${prefix}landing/ for ${options.landingDays} days, and replaced generations after ${options.noncurrentDays} days`,
    );
  }
  const labels = Object.entries(options.labels ?? {}).filter(
    ([name, value]) => found.labels?.[name] !== value,
  );
  if (labels.length > 0) {
    patch.labels = Object.fromEntries(labels);
    words.push(`set labels ${labels.map(([name, value]) => `${name}=${value}`).join(', ')}`);
  }
  return { patch, words };
}

function checkDays(options: PrepareBucketOptions): void {
  for (const name of ['landingDays', 'noncurrentDays'] as const) {
    if (Number.isInteger(options[name]) && options[name] >= 1) continue;
    throw new TitrateError('config-invalid', {
      what: `${name} is ${options[name]}; expected a whole number of days, 1 or more`,
      where: `gs://${options.bucket}`,
    });
  }
}

/**
 * Makes the bucket, or brings one that is there to what the store needs: object versioning, uniform access, no public access, lifecycle
 * rules for landings and replaced generations (docs: cloud.google.com/storage/docs/lifecycle), labels. Rules and labels of others stay.
 * Needs roles/storage.admin; the store itself does not.
 * @returns what it changed (or, with dryRun, would change), a phrase each; empty when all was as it should be.
 * @throws TitrateError contradiction when the bucket lies in another location, or is changed by somebody else at the same time; config-invalid.
 */
export async function prepareBucket(options: PrepareBucketOptions): Promise<string[]> {
  checkDays(options);
  const retry = options.retry ?? DEFAULT_RETRY;
  const where = `gs://${options.bucket}`;
  const { once: bucket, storage } = await connectGcs(options, 1);
  const look = () =>
    request<BucketMetadata | null>(
      retry,
      where,
      async () => (await bucket.getMetadata())[0] as BucketMetadata,
      { answers: [404], onAnswer: () => null },
    );

  let found = await look();
  const words: string[] = [];
  if (!found) {
    words.push(`make the bucket ${options.bucket} in ${options.location}`);
    const { patch, words: more } = difference({}, options);
    words.push(...more);
    if (options.dryRun) return words;
    // 409: somebody, perhaps an unanswered try of ours, has made it meanwhile.
    const made = await request<boolean>(
      retry,
      where,
      async () => {
        await storage.createBucket(options.bucket, {
          location: options.location,
          ...patch,
          versioning: { enabled: true },
        });
        return true;
      },
      { answers: [409], onAnswer: () => false },
    );
    if (made) return words;
    found = await look();
    if (!found) {
      throw new TitrateError('config-invalid', {
        what: 'the name of the bucket is taken by somebody else',
        where,
        remedy: 'Choose another name: bucket names are shared by all of Google Cloud',
      });
    }
  }
  const location = found.location ?? options.location;
  if (location.toUpperCase() !== options.location.toUpperCase()) {
    throw new TitrateError('contradiction', {
      what: `the bucket lies in ${location} and should lie in ${options.location}, which cannot be changed`,
      where,
      remedy: 'Name another bucket, or the location the bucket has',
    });
  }
  const { patch, words: changes } = difference(found, options);
  const fresh = words.length > 0;
  if (changes.length === 0) return words;
  if (!options.dryRun) {
    const done = await request<boolean>(
      retry,
      where,
      async () => {
        await bucket.setMetadata(
          { versioning: { enabled: true }, ...patch },
          { ifMetagenerationMatch: found.metageneration },
        );
        return true;
      },
      { answers: [412], onAnswer: () => false },
    );
    // A try of ours whose answer was lost leaves nothing to change.
    const after = done ? null : await look();
    if (after && difference(after, options).words.length > 0) {
      throw new TitrateError('contradiction', {
        what: 'somebody else is changing the bucket',
        where,
        remedy: 'Run it again',
      });
    }
  }
  return fresh ? words : [...changes];
}
