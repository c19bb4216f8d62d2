#!/usr/bin/env node
/** `npm start`: sets the checkout up and runs the demonstration campaign. Arguments go to `titrate demo`. */
const { spawn } = require('node:child_process');
const path = require('node:path');
const { setup } = require('./setup.cjs');

const root = path.resolve(__dirname, '..');

async function main() {
  await setup();
  const entry = path.join(root, 'dist', 'src', 'cli', 'main.js');
  const child = spawn(process.execPath, [entry, 'demo', ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to the demonstration as well, and npm may repeat it: wait for its orderly end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
