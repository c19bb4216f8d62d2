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
  /** Enters a version into Vertex AI's model registry, once; it carries the alias `v3` for our version 3. @throws TitrateError */
  upload(request: UploadRequest, options?: { readonly signal?: AbortSignal }): Promise<UploadedModel>;
  close(): Promise<void>;
}

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

async function loadClient(clientOptions: ReturnType<typeof vertexConnection>['clientOptions']) {
  const { v1 } = await import('@google-cloud/aiplatform');
  return new v1.ModelServiceClient({ ...clientOptions });
}

/** Vertex AI's model registry. The model's id is made of our name, a version's alias of our number: by them it is found again. */
export function createModelUpload(options: ModelUploadOptions): ModelUpload {
  const { parent, clientOptions, explain, read, where } = vertexConnection(options);
  let loading: ReturnType<typeof loadClient> | undefined;
  const client = () => (loading ??= loadClient(clientOptions));

  /** @param name of a model, or of a version by its alias */
  const find = (name: string) =>
    read('looking for the model', `${where}, ${name}`, async (): Promise<UploadedModel | null> => {
      try {
        const [model] = await (await client()).getModel({ name });
        return { name: (model.name ?? name).replace(/@.*/, ''), versionId: model.versionId ?? '' };
      } catch (error) {
        if (grpcStatus(error) === 'notFound') return null;
        throw error;
      }
    });

  async function create({ model, version, description, card }: UploadRequest): Promise<UploadedModel> {
    const id = modelId(model);
    const name = `${parent}/models/${id}`;
    const models = await client();
    const known = await find(name);
    const environment = {
      ...options.environment,
      TITRATE_INFERENCE_HOST: '0.0.0.0',
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
        labels: { ...options.labels, titrate_version: `v${version}`, titrate_card: labelValue(card) },
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
    const [uploaded] = await operation.promise();
    return { name: uploaded.model ?? name, versionId: uploaded.modelVersionId ?? '' };
  }

  return {
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
        // ALREADY_EXISTS: another version made the model meanwhile, or this one did; the next look tells.
        isAmbiguous: (error) => isAmbiguous(error) || grpcStatus(error) === 'alreadyExists',
        explain: (error) => explain(error, `uploading the model ${id}`),
        look: async () => ({ found: await find(`${parent}/models/${id}@v${version}`), made: new Map() }),
        create: () => create(request),
      });
    },
    async close() {
      if (loading) await (await loading).close();
    },
  };
}
