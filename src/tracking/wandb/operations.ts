import type {
  AddAliasesInput,
  Artifact,
  ArtifactAlias,
  ArtifactManifest,
  ArtifactType,
  CommitArtifactInput,
  CreateArtifactFilesInput,
  CreateArtifactInput,
  CreateArtifactManifestInput,
  File,
  Run,
  UpsertBucketInput,
  UseArtifactInput,
} from '@wandb/sdk/dist/gql/graphql';
import { operation } from './api';

/** Where a run or a collection is: W&B's own words for entity and project. */
export interface InProject {
  readonly entity: string;
  readonly project: string;
}
type Edges<T> = { readonly edges: readonly { readonly node: T | null }[] };

/** What of a run is read back. */
export type RunThere = Pick<
  Run,
  'id' | 'name' | 'displayName' | 'config' | 'summaryMetrics' | 'jobType' | 'tags' | 'notes'
> & {
  readonly group: string | null;
  readonly historyLineCount: number | null;
  readonly state: string | null;
};

/** `missingOk` makes a run that is not there null, where `run(name:)` may be an error. */
export const RUN = operation<InProject & { run: string }, { model: { bucket: RunThere | null } | null }>(
  /* GraphQL */ `
    query TitrateRun($entity: String!, $project: String!, $run: String!) {
      model(name: $project, entityName: $entity) {
        bucket(name: $run, missingOk: true) {
          id
          name
          displayName
          config
          summaryMetrics
          group
          jobType
          tags
          notes
          state
          historyLineCount
        }
      }
    }
  `,
);

export const UPSERT_RUN = operation<
  { input: UpsertBucketInput },
  { upsertBucket: { bucket: Pick<Run, 'id'> | null } | null }
>(/* GraphQL */ `
  mutation TitrateUpsertRun($input: UpsertBucketInput!) {
    upsertBucket(input: $input) {
      bucket {
        id
      }
    }
  }
`);

export const HISTORY = operation<
  InProject & { run: string; minStep: number; maxStep: number; samples: number },
  { project: { run: { history: readonly string[] | null } | null } | null }
>(/* GraphQL */ `
  query TitrateHistory(
    $entity: String!
    $project: String!
    $run: String!
    $minStep: Int64!
    $maxStep: Int64!
    $samples: Int!
  ) {
    project(name: $project, entityName: $entity) {
      run(name: $run) {
        history(minStep: $minStep, maxStep: $maxStep, samples: $samples)
      }
    }
  }
`);

/** Addresses to write files of a run to. The SDK's copy of the schema is older than this call; W&B's Python client makes it. */
export const CREATE_RUN_FILES = operation<
  InProject & { run: string; files: readonly string[] },
  {
    createRunFiles: {
      readonly uploadHeaders: readonly string[];
      readonly files: readonly { readonly name: string; readonly uploadUrl: string }[];
    } | null;
  }
>(/* GraphQL */ `
  mutation TitrateCreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
    createRunFiles(input: { entityName: $entity, projectName: $project, runName: $run, files: $files }) {
      uploadHeaders
      files {
        name
        uploadUrl
      }
    }
  }
`);

export const RUN_FILES = operation<
  InProject & { run: string; files: readonly string[] },
  { project: { run: { files: Edges<Pick<File, 'name' | 'directUrl'>> } | null } | null }
>(/* GraphQL */ `
  query TitrateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String]) {
    project(name: $project, entityName: $entity) {
      run(name: $run) {
        files(names: $files, first: 100) {
          edges {
            node {
              name
              directUrl
            }
          }
        }
      }
    }
  }
`);

export const RUN_USES = operation<
  InProject & { run: string; after: string | null },
  {
    project: {
      run: {
        inputArtifacts:
          | (Edges<Pick<ArtifactFound, 'aliases'>> & {
              readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
            })
          | null;
      } | null;
    } | null;
  }
>(/* GraphQL */ `
  query TitrateRunUses($entity: String!, $project: String!, $run: String!, $after: String) {
    project(name: $project, entityName: $entity) {
      run(name: $run) {
        inputArtifacts(first: 100, after: $after) {
          edges {
            node {
              aliases {
                alias
                artifactCollectionName
              }
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`);

export type ArtifactFound = Pick<Artifact, 'id' | 'digest' | 'metadata' | 'state'> & {
  readonly artifactType: Pick<ArtifactType, 'name'>;
  readonly aliases: readonly Pick<ArtifactAlias, 'alias' | 'artifactCollectionName'>[];
  readonly currentManifest: { readonly file: Pick<File, 'directUrl'> } | null;
};

/** @param name `collection:alias` */
export const ARTIFACT = operation<
  InProject & { name: string },
  { project: { artifact: ArtifactFound | null } | null }
>(/* GraphQL */ `
  query TitrateArtifact($entity: String!, $project: String!, $name: String!) {
    project(name: $project, entityName: $entity) {
      artifact(name: $name) {
        id
        digest
        metadata
        state
        artifactType {
          name
        }
        aliases {
          alias
          artifactCollectionName
        }
        currentManifest {
          file {
            directUrl
          }
        }
      }
    }
  }
`);

export const ARTIFACT_FILES = operation<
  { id: string; names: readonly string[] },
  { artifact: { files: Edges<Pick<File, 'name' | 'directUrl'>> } | null }
>(/* GraphQL */ `
  query TitrateArtifactFiles($id: ID!, $names: [String!]) {
    artifact(id: $id) {
      files(names: $names, first: 100) {
        edges {
          node {
            name
            directUrl
          }
        }
      }
    }
  }
`);

export const CREATE_ARTIFACT = operation<
  { input: CreateArtifactInput },
  { createArtifact: { artifact: Pick<Artifact, 'id' | 'state'> } | null }
>(/* GraphQL */ `
  mutation TitrateCreateArtifact($input: CreateArtifactInput!) {
    createArtifact(input: $input) {
      artifact {
        id
        state
      }
    }
  }
`);

export const CREATE_MANIFEST = operation<
  { input: CreateArtifactManifestInput; upload: boolean },
  {
    createArtifactManifest: {
      artifactManifest: Pick<ArtifactManifest, 'id'> & {
        readonly file: {
          readonly uploadUrl?: string | null;
          readonly uploadHeaders?: readonly string[] | null;
        };
      };
    } | null;
  }
>(/* GraphQL */ `
  mutation TitrateCreateManifest($input: CreateArtifactManifestInput!, $upload: Boolean!) {
    createArtifactManifest(input: $input) {
      artifactManifest {
        id
        file {
          id
          uploadUrl @include(if: $upload)
          uploadHeaders @include(if: $upload)
        }
      }
    }
  }
`);

export const CREATE_FILES = operation<
  { input: CreateArtifactFilesInput },
  {
    createArtifactFiles: {
      files: Edges<{
        /** null: W&B has these bytes already. */
        readonly uploadUrl: string | null;
        readonly uploadHeaders: readonly string[] | null;
        readonly artifact: { readonly id: string } | null;
      }>;
    } | null;
  }
>(/* GraphQL */ `
  mutation TitrateCreateFiles($input: CreateArtifactFilesInput!) {
    createArtifactFiles(input: $input) {
      files {
        edges {
          node {
            uploadUrl
            uploadHeaders
            artifact {
              id
            }
          }
        }
      }
    }
  }
`);

export const COMMIT = operation<
  { input: CommitArtifactInput },
  { commitArtifact: { artifact: Pick<Artifact, 'id' | 'digest'> } | null }
>(/* GraphQL */ `
  mutation TitrateCommit($input: CommitArtifactInput!) {
    commitArtifact(input: $input) {
      artifact {
        id
        digest
      }
    }
  }
`);

export const ADD_ALIASES = operation<{ input: AddAliasesInput }, { addAliases: { success: boolean } | null }>(
  /* GraphQL */ `
    mutation TitrateAddAliases($input: AddAliasesInput!) {
      addAliases(input: $input) {
        success
      }
    }
  `,
);

export const USE_ARTIFACT = operation<
  { input: UseArtifactInput },
  { useArtifact: { artifact: { id: string } } | null }
>(/* GraphQL */ `
  mutation TitrateUseArtifact($input: UseArtifactInput!) {
    useArtifact(input: $input) {
      artifact {
        id
      }
    }
  }
`);
