import type { Bucket, Storage } from '@google-cloud/storage';
import { TitrateError } from '../contracts';
import type { RetryPolicy } from './gcs-retry';

export interface GcsOptions {
  /** Name of the bucket, without `gs://`. */
  readonly bucket: string;
  /** Folder in the bucket that the store lives in, e.g. `titrate/prod`. Default: the bucket itself. */
  readonly prefix?: string;
  /** Needed only to create a bucket. Default: the project of the credentials. */
  readonly projectId?: string;
  /** Another server than storage.googleapis.com. Credentials go to https endpoints only. */
  readonly endpoint?: string;
  /** A service account's key. Default: Application Default Credentials. */
  readonly credentials?: { readonly client_email: string; readonly private_key: string };
  readonly retry?: RetryPolicy;
}

export interface GcsConnection {
  /** Makes every request once. */
  readonly once: Bucket;
  /** Repeats the chunks of a resumable upload. */
  readonly resuming: Bucket;
  readonly storage: Storage;
}

/** The prefix of every name of the store: '' or ending in '/'. @throws TitrateError config-invalid. */
export function namePrefix({ prefix = '' }: Pick<GcsOptions, 'prefix'>): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  if (/(^|\/)(\.{1,2})?(\/|$)/.test(trimmed) && trimmed !== '') {
    throw new TitrateError('config-invalid', {
      what: `'${prefix}' is no folder of a bucket`,
      remedy: "Use names joined by single slashes, such as 'titrate/prod'",
    });
  }
  return trimmed === '' ? '' : `${trimmed}/`;
}

/** Loads the client library, which is large, on first use only. */
export async function connectGcs(options: GcsOptions, resumeAttempts: number): Promise<GcsConnection> {
  const { bucket, endpoint, projectId, credentials } = options;
  const library = await import('@google-cloud/storage');
  const open = (retryOptions: NonNullable<ConstructorParameters<typeof Storage>[0]>['retryOptions']) =>
    new library.Storage({
      projectId,
      credentials: credentials && { ...credentials },
      ...(endpoint && { apiEndpoint: endpoint, useAuthWithCustomEndpoint: endpoint.startsWith('https:') }),
      retryOptions,
    });
  const storage = open({ autoRetry: false });
  return {
    storage,
    once: storage.bucket(bucket),
    resuming: open({ autoRetry: true, maxRetries: resumeAttempts, maxRetryDelay: 16 }).bucket(bucket),
  };
}
