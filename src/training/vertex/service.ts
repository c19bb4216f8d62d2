import type { TitrateError } from '../../contracts';
import {
  gaxConnection,
  grpcError,
  grpcRead,
  grpcStatus,
  type Explanations,
  type GaxConnection,
} from '../../foundation';

/** Where Vertex AI is reached, and as whom. */
export interface VertexPlace {
  readonly projectId: string;
  readonly region: string;
  /** `host:port` of another endpoint, by TLS; `http://host:port` without (a local server). */
  readonly endpoint?: string;
}

const QUOTAS = 'https://console.cloud.google.com/iam-admin/quotas';

/** What a quota that is used up means, and what to do: named from the documentation of Vertex AI's quotas. */
export const quotaRemedy = ({ projectId, region }: VertexPlace): string =>
  `Wait until other jobs have ended, ask for more of the quota named above (${QUOTAS}?project=${encodeURIComponent(projectId)}), or choose another region than ${region}, another training.acceleratorType or training.strategy: spot, which has quotas of its own`;

const explanations = (place: VertexPlace): Explanations => ({
  invalidArgument: {
    code: 'config-invalid',
    remedy:
      'Compare the training settings with docs/google-cloud.md: not every machine type takes every accelerator, nor does every region have them',
  },
  failedPrecondition: {
    code: 'config-invalid',
    remedy: 'Enable aiplatform.googleapis.com in the project',
  },
  alreadyExists: { code: 'conflict', remedy: 'Another request makes it right now; try again' },
  notFound: { code: 'not-found', remedy: 'Look at google.project and google.region in the settings' },
  permissionDenied: {
    code: 'config-invalid',
    remedy:
      'Give the account roles/aiplatform.user, and roles/iam.serviceAccountUser on training.serviceAccount; the API aiplatform.googleapis.com must be enabled',
  },
  resourceExhausted: { code: 'overloaded', remedy: quotaRemedy(place) },
});

/** After these nobody knows whether the request was carried out. */
const AMBIGUOUS: ReadonlySet<string | undefined> = new Set([
  'cancelled',
  'unknown',
  'deadlineExceeded',
  'aborted',
  'internal',
  'unavailable',
  // By another request, or by this one, whose first answer was lost on the way: the next look tells.
  'alreadyExists',
]);
export const isAmbiguous = (error: unknown): boolean => AMBIGUOUS.has(grpcStatus(error));

/** A request to create something is given up after this time, ms; createOnce waits longer than that for what comes of it. */
export const CREATE_DEADLINE_MS = 20_000;
/** The async iterators of the client turn pages themselves, and warn unless told so. */
export const BY_PAGES = { autoPaginate: false };

/** What the clients of Vertex AI's services share. Every method throws TitrateError. */
export interface VertexConnection {
  readonly parent: string;
  readonly where: string;
  readonly clientOptions: GaxConnection & { readonly projectId: string };
  explain(error: unknown, doing: string, where?: string): TitrateError;
  /** A call that may be made twice; waits out what passes. */
  read<T>(doing: string, where: string, call: () => Promise<T>): Promise<T>;
}

export function vertexConnection(place: VertexPlace): VertexConnection {
  const { projectId, region, endpoint } = place;
  const where = `Vertex AI, project '${projectId}', region '${region}'`;
  const explain = (error: unknown, doing: string, at = where) =>
    grpcError(error, doing, at, explanations(place));
  return {
    parent: `projects/${projectId}/locations/${region}`,
    where,
    // Resources of Vertex AI are regional, and so are its endpoints.
    clientOptions: {
      projectId,
      apiEndpoint: `${region}-aiplatform.googleapis.com`,
      ...gaxConnection('@google-cloud/aiplatform', endpoint),
    },
    explain,
    read: (doing, at, call) => grpcRead(call, (error) => explain(error, doing, at)),
  };
}

const LABEL_VALUE = 63;
/** A label's value: lowercase letters, digits, `_` and `-`, 63 at most (Google Cloud, "Requirements for labels"). */
export const labelValue = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '-')
    .slice(0, LABEL_VALUE);
