/**
 * The part of the W&B API that titrate and the official Python client use in the tests, as a schema that graphql-js enforces: a
 * query for a field that is not here is refused, whoever asks. Names and shapes are those which the clients send.
 */
export const WANDB_SCHEMA = /* GraphQL */ `
  scalar JSONString
  scalar JSON
  scalar Int64
  scalar DateTime
  scalar Duration

  enum ArtifactState {
    PENDING
    COMMITTED
    DELETED
  }
  enum ArtifactDigestAlgorithm {
    MANIFEST_MD5
    MANIFEST_XXH128
  }
  enum ArtifactManifestType {
    FULL
    PATCH
    INCREMENTAL
  }
  enum ArtifactStorageLayout {
    V1
    V2
  }

  type Query {
    viewer: User
    serverInfo: ServerInfo
    entity(name: String!): Entity
    project(name: String, entityName: String): Project
    model(name: String, entityName: String): Project
    artifact(id: ID!): Artifact
    clientIDMapping(clientID: ID!): ClientIDMapping
  }

  type ClientIDMapping {
    serverID: ID!
  }
  type Feature {
    name: String!
    isEnabled: Boolean!
  }
  type LocalVersion {
    outOfDate: Boolean!
    latestVersionString: String!
    versionOnThisInstanceString: String!
  }
  type ServerInfo {
    features: [Feature]
    cliVersionInfo: JSON
    latestLocalVersionInfo: LocalVersion
  }
  type Entity {
    id: ID!
    name: String!
    organization: Organization
    user: User
    isTeam: Boolean
  }
  type Organization {
    name: String!
    orgEntity: Entity
  }
  type TeamConnection {
    edges: [TeamEdge!]!
  }
  type TeamEdge {
    node: Entity
  }
  type ApiKey {
    id: ID!
    name: String!
    description: String
  }
  type ApiKeyConnection {
    edges: [ApiKeyEdge!]!
  }
  type ApiKeyEdge {
    node: ApiKey
  }
  type User {
    id: ID!
    entity: String
    username: String
    name: String
    email: String
    admin: Boolean
    deletedAt: DateTime
    flags: JSONString
    teams: TeamConnection
    apiKeys: ApiKeyConnection
  }

  type Project {
    id: ID!
    internalId: ID!
    name: String!
    entityName: String!
    entity: Entity!
    createdAt: DateTime
    isBenchmark: Boolean
    readOnly: Boolean
    runCount(filters: JSONString): Int
    bucket(name: String!, missingOk: Boolean): Run
    run(name: String!): Run
    runs(filters: JSONString, after: String, first: Int, order: String): RunConnection
    artifact(name: String!): Artifact
    artifactType(name: String!): ArtifactType
    artifactTypes(after: String, first: Int): ArtifactTypeConnection
    artifactCollection(name: String!): ArtifactCollection
    artifactCollectionMembership(name: String!): ArtifactCollectionMembership
  }

  type PageInfo {
    endCursor: String
    hasNextPage: Boolean!
  }
  type RunConnection {
    edges: [RunEdge!]!
    pageInfo: PageInfo!
    totalCount: Int
  }
  type RunEdge {
    node: Run!
    cursor: String!
  }
  type Run {
    id: ID!
    projectId: ID
    project: Project!
    name: String!
    displayName: String
    description: String
    notes: String
    config: JSONString
    wandbConfig(keys: [String!]): JSONString
    summaryMetrics: JSONString
    systemMetrics: JSONString
    group: String
    jobType: String
    tags: [String!]
    state: String
    stopped: Boolean
    commit: String
    readOnly: Boolean
    sweepName: String
    createdAt: DateTime
    updatedAt: DateTime
    heartbeatAt: DateTime
    user: User
    historyKeys: JSON
    historyLineCount: Int
    logLineCount: Int
    eventsLineCount: Int
    historyTail: JSONString
    eventsTail: JSONString
    history(minStep: Int64, maxStep: Int64, samples: Int): [JSONString!]
    parquetHistory(liveKeys: [String!]!): ParquetHistory
    sampledHistory(specs: [JSONString!]!): [JSON]
    fileCount: Int
    files(names: [String], after: String, first: Int, pattern: String): FileConnection
    outputArtifacts(after: String, first: Int): ArtifactConnection
    inputArtifacts(after: String, first: Int): ArtifactConnection
  }
  type ParquetHistory {
    liveData: [JSON!]
    parquetUrls: [String!]
  }
  type ArtifactConnection {
    totalCount: Int
    pageInfo: PageInfo!
    edges: [ArtifactEdge!]!
  }
  type ArtifactEdge {
    node: Artifact
    version: String
    cursor: String
  }

  type FileConnection {
    totalCount: Int
    edges: [FileEdge!]!
    pageInfo: PageInfo!
    uploadHeaders: [String!]
  }
  type FileEdge {
    node: File
    cursor: String
  }
  type UploadPart {
    partNumber: Int64!
    uploadUrl: String!
  }
  type UploadMultipart {
    uploadID: String!
    uploadUrlParts: [UploadPart!]!
  }
  type File {
    id: ID!
    name: String!
    displayName: String
    url(upload: Boolean): String
    directUrl: String
    uploadUrl: String
    uploadHeaders: [String!]
    uploadMultipartUrls: UploadMultipart
    storagePath: String
    sizeBytes: Int64
    mimetype: String
    updatedAt: DateTime
    md5: String
    digest: String
    artifact: Artifact
  }

  type ArtifactType {
    id: ID!
    name: String!
    description: String
    createdAt: DateTime
    artifactCollection(name: String!): ArtifactCollection
  }
  type ArtifactTypeConnection {
    edges: [ArtifactTypeEdge!]!
    pageInfo: PageInfo!
  }
  type ArtifactTypeEdge {
    node: ArtifactType
    cursor: String
  }
  interface ArtifactCollection {
    id: ID!
    name: String!
    description: String
    createdAt: DateTime
    updatedAt: DateTime
    project: Project
    defaultArtifactType: ArtifactType!
    artifacts(after: String, first: Int, order: String, filters: JSONString): ArtifactConnection
    artifactMembership(aliasName: String!): ArtifactCollectionMembership
  }
  type ArtifactSequence implements ArtifactCollection {
    id: ID!
    name: String!
    description: String
    createdAt: DateTime
    updatedAt: DateTime
    project: Project
    defaultArtifactType: ArtifactType!
    artifacts(after: String, first: Int, order: String, filters: JSONString): ArtifactConnection
    artifactMembership(aliasName: String!): ArtifactCollectionMembership
    latestArtifact: Artifact
  }
  type ArtifactCollectionMembership {
    id: ID!
    createdAt: DateTime
    versionIndex: Int
    aliases: [ArtifactAlias!]!
    artifactCollection: ArtifactCollection
    artifact: Artifact
    files(names: [String!], after: String, first: Int): FileConnection
  }
  type ArtifactMembershipConnection {
    edges: [ArtifactMembershipEdge!]!
  }
  type ArtifactMembershipEdge {
    node: ArtifactCollectionMembership
  }
  type ArtifactAlias {
    id: ID!
    alias: String!
    artifactCollectionName: String!
    artifactCollection: ArtifactCollection
  }
  type Tag {
    id: ID!
    name: String!
  }
  type ArtifactManifest {
    id: ID!
    digest: String!
    file: File!
  }
  union Initiator = Run | User
  input ArtifactManifestEntryInput {
    name: String!
    digest: String!
    birthArtifactID: String
  }
  type Artifact {
    id: ID!
    artifactSequence: ArtifactSequence!
    artifactType: ArtifactType!
    artifactMemberships: ArtifactMembershipConnection!
    versionIndex: Int
    description: String
    metadata: JSONString
    ttlDurationSeconds: Int64
    ttlIsInherited: Boolean
    tags: [Tag!]
    historyStep: Int64
    state: ArtifactState!
    size: Int64!
    digest: String!
    digestAlgorithm: ArtifactDigestAlgorithm
    commitHash: String
    fileCount: Int64!
    createdAt: DateTime!
    updatedAt: DateTime
    aliases: [ArtifactAlias!]!
    currentManifest: ArtifactManifest
    files(names: [String!], after: String, first: Int): FileConnection!
    filesByManifestEntries(
      storageLayout: String!
      manifestVersion: String!
      entries: [ArtifactManifestEntryInput!]
      storageRegion: String
    ): FileConnection
    createdBy: Initiator
    usedBy: RunConnection
  }

  type Mutation {
    upsertBucket(input: UpsertBucketInput!): UpsertBucketPayload
    createRunFiles(input: CreateRunFilesInput!): CreateRunFilesPayload
    createArtifact(input: CreateArtifactInput!): CreateArtifactPayload
    createArtifactManifest(input: CreateArtifactManifestInput!): CreateArtifactManifestPayload
    createArtifactFiles(input: CreateArtifactFilesInput!): CreateArtifactFilesPayload
    commitArtifact(input: CommitArtifactInput!): CommitArtifactPayload
    addAliases(input: AddAliasesInput!): AliasesPayload
    deleteAliases(input: AddAliasesInput!): AliasesPayload
    useArtifact(input: UseArtifactInput!): UseArtifactPayload
    updateArtifact(input: UpdateArtifactInput!): CommitArtifactPayload
  }
  input UpsertBucketInput {
    clientMutationId: String
    id: String
    name: String
    groupName: String
    modelName: String
    entityName: String
    description: String
    displayName: String
    notes: String
    config: JSONString
    commit: String
    host: String
    debug: Boolean
    jobProgram: String
    jobRepo: String
    jobType: String
    state: String
    sweep: String
    tags: [String!]
    summaryMetrics: JSONString
  }
  type UpsertBucketPayload {
    bucket: Run
    inserted: Boolean
  }
  input CreateRunFilesInput {
    clientMutationId: String
    entityName: String!
    projectName: String!
    runName: String!
    files: [String!]!
  }
  type RunFile {
    name: String!
    uploadUrl: String
  }
  type CreateRunFilesPayload {
    runID: ID!
    uploadHeaders: [String!]!
    files: [RunFile!]!
  }
  input ArtifactAliasInput {
    artifactCollectionName: String!
    alias: String!
  }
  input TagInput {
    tagName: String!
  }
  input CreateArtifactInput {
    clientMutationId: String
    entityName: String!
    projectName: String!
    runName: String
    artifactTypeName: String!
    artifactCollectionName: String
    artifactCollectionNames: [String!]
    digest: String!
    digestAlgorithm: ArtifactDigestAlgorithm!
    description: String
    labels: JSONString
    aliases: [ArtifactAliasInput!]
    tags: [TagInput!]
    metadata: JSONString
    ttlDurationSeconds: Int64
    historyStep: Int64
    distributedID: String
    clientID: ID
    sequenceClientID: ID
    enableDigestDeduplication: Boolean
    storageRegion: String
  }
  type CreateArtifactPayload {
    artifact: Artifact!
  }
  input CreateArtifactManifestInput {
    clientMutationId: String
    artifactID: ID!
    baseArtifactID: ID
    name: String!
    digest: String!
    entityName: String!
    projectName: String!
    runName: String!
    type: ArtifactManifestType
  }
  type CreateArtifactManifestPayload {
    artifactManifest: ArtifactManifest!
  }
  input UploadPartsInput {
    partNumber: Int64!
    hexMD5: String!
  }
  input CreateArtifactFileSpecInput {
    artifactID: ID!
    name: String!
    md5: String!
    mimetype: String
    artifactManifestID: ID
    uploadPartsInput: [UploadPartsInput!]
  }
  input CreateArtifactFilesInput {
    cloudRegionID: ID
    clientMutationId: String
    artifactFiles: [CreateArtifactFileSpecInput!]!
    storageLayout: ArtifactStorageLayout
  }
  type CreateArtifactFilesPayload {
    files: FileConnection!
  }
  input CommitArtifactInput {
    clientMutationId: String
    artifactID: ID!
  }
  type CommitArtifactPayload {
    artifact: Artifact!
  }
  input ArtifactCollectionAliasInput {
    entityName: String!
    projectName: String!
    artifactCollectionName: String!
    alias: String!
  }
  input AddAliasesInput {
    clientMutationId: String
    artifactID: ID!
    aliases: [ArtifactCollectionAliasInput!]!
  }
  type AliasesPayload {
    success: Boolean!
  }
  input UseArtifactInput {
    clientMutationId: String
    artifactID: ID!
    entityName: String!
    projectName: String!
    runName: String!
    usedAs: String
    artifactEntityName: String
    artifactProjectName: String
  }
  type UseArtifactPayload {
    artifact: Artifact!
  }
  input UpdateArtifactInput {
    clientMutationId: String
    artifactID: ID!
    description: String
    metadata: JSONString
    aliases: [ArtifactAliasInput!]
    ttlDurationSeconds: Int64
  }
`;
