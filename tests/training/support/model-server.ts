import { protos } from '@google-cloud/aiplatform';
import { operations, Refusal, startVertexServer, type Status, type VertexServer } from './vertex-server';

const { UploadModelResponse } = protos.google.cloud.aiplatform.v1;

export interface ServerVersion {
  /** Of the model, without the version. */
  readonly name: string;
  readonly versionId: string;
  readonly displayName: string;
  readonly versionAliases: string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly containerSpec: Readonly<Record<string, unknown>>;
}

export interface ModelServer extends VertexServer {
  readonly versions: ServerVersion[];
  /** The next upload is accepted and comes to this error, once for each entry. */
  readonly ends: { readonly code: Status; readonly message: string }[];
  /** Uploads are done, and their versions there, at this look at the operation. Default 0: at once. */
  looks: number;
  /** Ends the uploads that go on, whoever looks. */
  finish(): void;
}

interface UploadModelRequest {
  readonly parent: string;
  readonly parentModel: string;
  readonly modelId: string;
  readonly model: ServerVersion;
}

/** A model registry as the protos describe it: ids and aliases of their formats, versions numbered by the service. */
export async function startModelServer(project: string, region: string): Promise<ModelServer> {
  const versions: ServerVersion[] = [];
  const ends: ModelServer['ends'] = [];
  /** Names of models that are being made. */
  const coming = new Set<string>();
  const goingOn: (() => ServerVersion)[] = [];
  const running = operations();
  const methods = {
    GetModel({ name }: { name: string }) {
      const [model, version] = name.split('@') as [string, string | undefined];
      const known = versions.filter((each) => each.name === model);
      const found = known.find(
        ({ versionId, versionAliases }) =>
          version === undefined || versionId === version || versionAliases.includes(version),
      );
      if (!found) throw new Refusal('NOT_FOUND', `${name} is not there`);
      return found;
    },
    UploadModel({ parent, parentModel, modelId, model }: UploadModelRequest) {
      const name = parentModel || `${parent}/models/${modelId}`;
      const known = versions.filter((each) => each.name === name);
      if (parentModel && known.length === 0) throw new Refusal('NOT_FOUND', `${name} is not there`);
      if (!parentModel && !/^[a-z_][a-z0-9_-]{0,62}$/.test(modelId))
        throw new Refusal('INVALID_ARGUMENT', `model id ${modelId}`);
      if (!parentModel && (known.length > 0 || coming.has(name))) throw new Refusal('ALREADY_EXISTS', name);
      for (const alias of model.versionAliases)
        if (!/^[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]$/.test(alias)) throw new Refusal('INVALID_ARGUMENT', alias);
      const end = ends.shift();
      if (!end) coming.add(name);
      let looks = server.looks;
      let made: ServerVersion | undefined;
      const make = () => {
        if (!made) {
          made = {
            ...model,
            name,
            versionId: String(versions.filter((each) => each.name === name).length + 1),
          };
          versions.push(made);
          coming.delete(name);
        }
        return made;
      };
      if (!end && looks === 0) make();
      if (!end) goingOn.push(make);
      return running.startSlow(parent, () => {
        if (end) throw new Refusal(end.code, end.message);
        if (!made && --looks > 0) return null;
        const { versionId } = make();
        const response = { model: name, modelVersionId: versionId };
        return { type: 'UploadModelResponse', result: UploadModelResponse.encode(response).finish() };
      });
    },
  };
  const plain = await startVertexServer(project, region, {
    'google/cloud/aiplatform/v1/model_service#google.cloud.aiplatform.v1.ModelService': methods,
    ...running.services,
  });
  const finish = () => goingOn.splice(0).forEach((make) => make());
  const server: ModelServer = Object.assign(plain, { versions, ends, looks: 0, finish });
  return server;
}
