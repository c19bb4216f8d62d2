/**
 * What every step of a pipeline has: --help, --dry-run, a folder where earlier steps left what they made, messages on standard error,
 * one JSON value on standard output, exit code 0 done, 1 failed, 2 wrong use.
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const root = path.resolve(__dirname, '../../..');

/** What keeps a step from going on, and what mends it. */
class StepFailure extends Error {
  constructor(what, remedy) {
    super(remedy ? `${what}. ${remedy}` : what);
  }
}
class WrongUse extends Error {}

const COMMON = {
  folder: {
    type: 'string',
    value: 'FOLDER',
    default: '.titrate/delivery',
    what: 'where steps leave what the next ones take',
  },
  'dry-run': { type: 'boolean', what: 'say what would be done; change nothing' },
  help: { type: 'boolean', what: 'say this' },
};

function usage({ name, what, options }) {
  const lines = Object.entries({ ...options, ...COMMON }).map(([key, option]) => {
    const left = `  --${key}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`;
    const notes = [option.what, option.default && `default: ${option.default}`, option.required && 'needed'];
    return `${left.padEnd(30)} ${notes.filter(Boolean).join('; ')}`;
  });
  return `${name}: ${what}\n\nusage: node infra/ci/steps/${name}.cjs [OPTIONS]\n${lines.join('\n')}\n`;
}

/** @throws WrongUse naming the option */
function parse({ name, options }, argv) {
  const known = Object.fromEntries(
    Object.entries({ ...options, ...COMMON }).map(([key, { type, multiple, default: standard }]) => [
      key,
      { type, ...(multiple && { multiple }), ...(standard !== undefined && { default: standard }) },
    ]),
  );
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options: known, strict: true }));
  } catch (error) {
    throw new WrongUse(error.message);
  }
  if (values.help) return values;
  const missing = Object.entries(options).find(
    ([key, option]) => option.required && values[key] === undefined,
  );
  if (missing) throw new WrongUse(`--${missing[0]} is needed: ${missing[1].what} (${name} --help)`);
  return values;
}

/** The folder of a delivery: JSON files by name, each written by one step. */
function openFolder(folder) {
  const at = (name) => path.join(folder, name);
  return {
    at,
    write(name, value) {
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(at(name), typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`);
    },
    has: (name) => fs.existsSync(at(name)),
    /** @throws StepFailure naming the step that makes it */
    read(name, madeBy) {
      if (!fs.existsSync(at(name)))
        throw new StepFailure(`${at(name)} is not there`, `Run the step ${madeBy} first`);
      return JSON.parse(fs.readFileSync(at(name), 'utf8'));
    },
  };
}

/** Runs programs; with --dry-run it says them. */
function runnerOf(say, dryRun) {
  /** @returns what it printed; a program that fails is a StepFailure with the end of what it said */
  return function run(
    command,
    args,
    { cwd = root, env = {}, input, remedy, always = false, accept = [0] } = {},
  ) {
    if (dryRun && !always) {
      say(`would run: ${[command, ...args].join(' ')}`);
      return { status: 0, stdout: '' };
    }
    const result = spawnSync(command, args, {
      cwd,
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, ...env },
    });
    if (result.error?.code === 'ENOENT')
      throw new StepFailure(`there is no ${command} here`, remedy ?? 'Install it');
    if (result.error) throw result.error;
    if (!accept.includes(result.status)) {
      const said = `${result.stderr}${result.stdout}`.trim().split('\n').slice(-15).join('\n');
      throw new StepFailure(
        `${command} ${args.slice(0, 3).join(' ')} … ended with ${result.status}: ${said}`,
        remedy,
      );
    }
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  };
}

/**
 * Defines a step, and runs it when its file is the program.
 * @param {{name: string, what: string, options: object, run: (context: object) => Promise<object>}} definition
 */
function defineStep(module_, definition) {
  const say = (line) => process.stderr.write(`${definition.name}: ${line}\n`);
  async function main(argv) {
    try {
      const values = parse(definition, argv);
      if (values.help) return void process.stdout.write(usage(definition));
      const dryRun = values['dry-run'] ?? false;
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
      const result = await definition.run({
        values,
        dryRun,
        say,
        signal: stop.signal,
        folder: openFolder(path.resolve(values.folder)),
        run: runnerOf(say, dryRun),
      });
      process.stdout.write(`${JSON.stringify(result ?? {})}\n`);
      if (result?.failed) process.exitCode = 1;
    } catch (error) {
      say(error.message);
      process.exitCode = error instanceof WrongUse ? 2 : 1;
      if (!(error instanceof StepFailure || error instanceof WrongUse || error.name === 'TitrateError'))
        process.stderr.write(`${error.stack}\n`);
    }
  }
  module_.exports = definition;
  if (require.main === module_) void main(process.argv.slice(2)).then(() => process.exit());
}

/** The compiled part that speaks with Temporal. */
function delivery() {
  const file = path.join(root, 'dist/scripts/delivery/index.js');
  if (!fs.existsSync(file)) throw new StepFailure('the program has not been built', 'Run: npm run build');
  return require(file);
}

const BUILD_ID = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
function requireBuildId(text) {
  if (!BUILD_ID.test(text)) throw new WrongUse(`--build '${text}': a-z, 0-9 and -, at most 40`);
  return text;
}

module.exports = { defineStep, StepFailure, WrongUse, openFolder, delivery, requireBuildId, root };
