/** The arrows of docs/architecture.md: cli, console, workers → activities → rooms → foundation → contracts. */
const rooms =
  'chemistry|measurements|sources|processing|datasets|learning|acquisition|drift|objects|warehouse|training|tracking|rollout|observability|serving|reporting';
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'contracts-import-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/contracts/' },
      to: { path: '^(src/(?!contracts/)|workflows|activities|workers|scripts)' },
    },
    {
      name: 'foundation-imports-contracts-only',
      severity: 'error',
      from: { path: '^src/foundation/' },
      to: { path: '^(src/(?!(foundation|contracts)/)|workflows|activities|workers|scripts)' },
    },
    {
      name: 'campaign-is-pure',
      severity: 'error',
      from: { path: '^src/campaign/' },
      to: { path: '^(src/(?!(campaign|contracts)/)|workflows|activities|workers|scripts|node:)' },
    },
    {
      name: 'workflows-import-contracts-and-campaign',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        path: '^(src/(?!(campaign|contracts)/)|activities|workers|scripts)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'rooms-do-not-look-up',
      severity: 'error',
      from: { path: `^src/(${rooms})/` },
      to: { path: '^(src/(platform|cli|console|campaign)/|workflows|activities|workers|scripts)' },
    },
    {
      name: 'activities-do-not-look-up',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: '^(src/(cli|console)/|workflows|workers|scripts)' },
    },
    {
      name: 'nothing-imports-the-entries',
      severity: 'error',
      from: { path: '^(src|workflows|activities)/', pathNot: '^src/cli/' },
      to: { path: '^(workers|src/cli)/' },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^(src|workflows|activities|workers|scripts)/' },
      to: { path: '^tests/' },
    },
    {
      name: 'no-dev-dependencies-in-the-product',
      severity: 'error',
      from: { path: '^(src|workflows|activities|workers)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      // The types of W&B's schema lie in its SDK beside what it exports.
      to: { couldNotResolve: true, pathNot: ['tfjs-node', '^@wandb/sdk/dist/gql/graphql$'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
