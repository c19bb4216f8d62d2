/** Packages of the BigQuery and Kubernetes clients that jest cannot load as they are: ES modules, or a dynamic import of one. */
const ES_MODULES = [
  'teeny-request',
  'gaxios',
  'node-fetch',
  'fetch-blob',
  'formdata-polyfill',
  'data-uri-to-buffer',
  '@kubernetes/client-node',
  'openid-client',
  'oauth4webapi',
  'jose',
  'jsonpath-plus',
];

/** Tests run the sources through swc; worker threads and processes they start run the build in dist/. */
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
    '^.+\\.m?js$': ['@swc/jest', { jsc: { target: 'es2023' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:.*/)?(?:${ES_MODULES.join('|')})/)`],
  globalSetup: '<rootDir>/tests/support/global-setup.cjs',
  setupFiles: ['<rootDir>/tests/support/property-seed.ts'],
  testTimeout: 60000,
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.titrate'],
  maxWorkers: 2,
};
