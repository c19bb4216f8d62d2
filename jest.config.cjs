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
  },
  globalSetup: '<rootDir>/tests/support/global-setup.cjs',
  testTimeout: 60000,
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.titrate'],
  maxWorkers: 2,
};
