import type { protos } from '@google-cloud/aiplatform';
import { TitrateError } from '../../contracts';
import { grpcStatus, sha256 } from '../../foundation';
import type { ObjectStore } from '../../objects';
import { createOnce } from '../once';
import { CREATE_DEADLINE_MS, isAmbiguous, labelValue, vertexConnection, type VertexPlace } from './service';

export interface ModelUploadOptions extends VertexPlace {
  readonly objects: ObjectStore;
  /** The image of infra/docker/worker.Dockerfile, which the inference server is in. */
  readonly image: string;
  /** TITRATE_* variables by which the server opens the object store, where it finds the models. */
  readonly environment: Readonly<Record<string, string>>;
  readonly serviceAccountEmail?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** See createOnce. Default 300: an upload copies the image. */
  readonly patienceSeconds?: number;
}

export interface UploadRequest {
  /** The campaign, which is the model's name in the inference server. */
  readonly model: string;
  /** 1, 2, 3, … */
  readonly version: number;
  readonly description: string;
  /** sha256 of the model's card. */
  readonly card: string;
}

export interface UploadedModel {
  /** `projects/…/models/titrate-…` */
  readonly name: string;
  /** Vertex AI's own number, which is not ours. */
  readonly versionId: string;
}

export interface ModelUpload {
  /** `projects/…/locations/…` */
  readonly place: string;
  /**
   * Enters a version into Vertex AI's model registry, once; it carries the alias `v3` for our version 3.
   * @throws TitrateError contradiction when another model has that name and alias there
   */
  upload(request: UploadRequest, options?: { readonly signal?: AbortSignal }): Promise<UploadedModel>;
  close(): Promise<void>;
}

const VERSION_LABEL = 'titrate_version';
const CARD_LABEL = 'titrate_card';
/** Port that Vertex AI asks, by default. */
const PORT = 8080;
const UPLOAD_PATIENCE_SECONDS = 300;
/** A model's id: 63 of [a-z0-9_-] (model_service.proto); room for a hash, where a name does not fit as it is. */
const ID_CHARACTERS = 63;
const ID_HASH_DIGITS = 8;

/** `titrate-<name>`; names that differ have ids that differ. */
export function modelId(name: string): string {
  const plain = `titrate-${name}`;
  const slug = labelValue(plain);
  if (slug === plain) return slug;
  return `${slug.slice(0, ID_CHARACTERS - ID_HASH_DIGITS - 1)}-${sha256(name).slice(0, ID_HASH_DIGITS)}`;
}

/** An upload was accepted, and what came of it is not known. */
class Unheard extends Error {
  constructor(override readonly cause: unknown) {
    super('what came of the upload is not known');
  }
}

/** @throws TitrateError cancelled */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () =>
      reject(new TitrateError('cancelled', { what: 'waiting for the upload was cancelled' }));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true, signal: over.signal });
  });
  return Promise.race([work, aborted]).finally(() => over.abort());
}

async function loadClient(clientOptions: ReturnType<typeof vertexConnection>['clientOptions']) {
  const { v1 } = await import('@google-cloud/aiplatform');
  return new v1.ModelServiceClient({ ...clientOptions });
}

type Uploaded = protos.google.cloud.aiplatform.v1.IUploadModelResponse;

/** The part of a long-running operation that is used here. */
interface Uploading {
  readonly name?: string;
  readonly latestResponse: { readonly done?: boolean | null };
  promise(): Promise<[Uploaded, ...unknown[]]>;
}

/** Vertex AI's model registry. The model's id is made of our name, a version's alias of our number: by them it is found again. */
export function createModelUpload(options: ModelUploadOptions): ModelUpload {
  const { parent, clientOptions, explain, read, where } = vertexConnection(options);
  let loading: ReturnType<typeof loadClient> | undefined;
  const client = () => (loading ??= loadClient(clientOptions));

  /** @param name of a model, or of a version by its alias */
  const find = (name: string) =>
    read('looking for the model', `${where}, ${name}`, async () => {
      try {
        const [{ name: found, versionId, labels }] = await (await client()).getModel({ name });
        return {
          model: { name: (found ?? name).replace(/@.*/, ''), versionId: versionId ?? '' } as UploadedModel,
          card: labels?.[CARD_LABEL],
        };
      } catch (error) {
        if (grpcStatus(error) === 'notFound') return null;
        throw error;
      }
    });

  /** The version, if it is there. */
  async function uploaded({ model, version, card }: UploadRequest): Promise<UploadedModel | null> {
    const name = `${parent}/models/${modelId(model)}@v${version}`;
    const found = await find(name);
    if (!found || found.card === labelValue(card)) return found?.model ?? null;
    throw new TitrateError('contradiction', {
      what: `another model is there already: its label ${CARD_LABEL} is ${found.card ? `'${found.card}'` : 'missing'}, and ours '${labelValue(card)}'`,
      where: `${where}, ${name}`,
      remedy:
        'Two campaigns of one name share this project, or somebody moved the alias there: delete the version or take the alias from it, or choose another google.project or google.region',
    });
  }

  async function create(
    { model, version, description, card }: UploadRequest,
    signal: AbortSignal | undefined,
  ): Promise<UploadedModel> {
    const id = modelId(model);
    const name = `${parent}/models/${id}`;
    const models = await client();
    const known = await find(name);
    const environment = {
      ...options.environment,
      TITRATE_INFERENCE_HOST: '0.0.0.0',
      // An endpoint of Vertex AI checks who asks before the container is reached.
      TITRATE_INFERENCE_AUTH: 'off',
      TITRATE_INFERENCE_PORT: `${PORT}`,
    };
    const request = {
      parent,
      ...(known ? { parentModel: name } : { modelId: id }),
      serviceAccount: options.serviceAccountEmail,
      model: {
        displayName: model,
        versionDescription: description,
        versionAliases: [`v${version}`],
        labels: { ...options.labels, [VERSION_LABEL]: `v${version}`, [CARD_LABEL]: labelValue(card) },
        containerSpec: {
          imageUri: options.image,
          command: ['node', '--enable-source-maps', 'dist/workers/inference.js'],
          env: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
          ports: [{ containerPort: PORT }],
          predictRoute: `/v2/models/${encodeURIComponent(model)}/versions/v${version}/infer`,
          healthRoute: '/v2/health/ready',
        },
      },
    };
    const [operation] = await models.uploadModel(request, { timeout: CREATE_DEADLINE_MS });
    const made = await end(operation, signal);
    return { name: made.model ?? name, versionId: made.modelVersionId ?? '' };
  }

  /** Waits for the end of an upload. @throws Unheard when it does not hear of it; what the upload came to */
  async function end(started: Uploading, signal: AbortSignal | undefined): Promise<Uploaded> {
    for (let operation = started; ;) {
      try {
        return (await unlessAborted(operation.promise(), signal))[0];
      } catch (error) {
        if (operation.latestResponse.done) throw explain(error, 'the upload of the model');
        const { name } = operation;
        if (signal?.aborted || !isAmbiguous(error) || !name) throw new Unheard(error);
        operation = await read('watching the upload', `${where}, ${name}`, async () =>
          (await client()).checkUploadModelProgress(name),
        ).catch((unheard: unknown) => Promise.reject(new Unheard(unheard)));
      }
    }
  }

  return {
    place: parent,
    async upload(request, { signal } = {}) {
      const { model, version } = request;
      if (!Number.isInteger(version) || version < 1)
        throw new TitrateError('usage', { what: `version ${version} of a model`, where: model });
      const id = modelId(model);
      return createOnce({
        objects: options.objects,
        records: `model-uploads/${options.projectId}/${options.region}/${id}/v${version}`,
        where: `${where}, model ${id}, version v${version}`,
        patienceSeconds: options.patienceSeconds ?? UPLOAD_PATIENCE_SECONDS,
        signal,
        isAmbiguous: (error) => error instanceof Unheard || isAmbiguous(error),
        explain: (error) =>
          explain(error instanceof Unheard ? error.cause : error, `uploading the model ${id}`),
        look: async () => ({ found: await uploaded(request), made: new Map() }),
        create: () => create(request, signal),
      });
    },
    async close() {
      if (loading) await (await loading).close();
    },
  };
}
