#!/usr/bin/env node
/**
 * Runs a pipeline, step by step, on one machine: the same steps in the same order as the workflows of .github/workflows.
 *   node infra/ci/run.cjs program --build BUILD_ID --repository HOST/PATH [--settings FILE] [--from STEP] [--to STEP] [--approve WHO]
 *   node infra/ci/run.cjs model --settings FILE
 * FILE (YAML or JSON): options of steps by their names, such as `build-image: { engine: layers }`, and `environment:` of all of them.
 * Exit code 0 done, 1 failed or rolled back, 2 wrong use, 3 stopped before a plan that waits for approval.
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const YAML = require('yaml');

const root = path.resolve(__dirname, '../..');

/** `always`: also after one before it has failed. */
const PIPELINES = {
  program: [
    'test',
    'build-image',
    'sbom',
    'scan',
    'push',
    'provenance',
    'sign',
    'terraform-plan',
    'terraform-apply',
    'prepare',
    'verify',
    'deploy-workers',
    'ramp-workers',
    { step: 'finish-workers', always: true, after: 'deploy-workers' },
  ],
  model: ['deploy-model'],
};
/** A step that is another one with an option. */
const SAME_AS = { verify: { step: 'sign', options: { verify: true } } };

const stepsOf = (pipeline) =>
  PIPELINES[pipeline].map((entry) => (typeof entry === 'string' ? { step: entry } : entry));

class WrongUse extends Error {}

function readSettings(file) {
  if (!file) return {};
  let settings;
  try {
    settings = YAML.parse(fs.readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw new WrongUse(`${file}: ${error.message}`);
  }
  const known = new Set([
    'environment',
    ...Object.values(PIPELINES).flatMap((_, i) => stepsOf(Object.keys(PIPELINES)[i]).map(({ step }) => step)),
  ]);
  const strange = Object.keys(settings).find((key) => !known.has(key));
  if (strange) throw new WrongUse(`${file}: '${strange}' is no step; there are ${[...known].join(', ')}`);
  return settings;
}

/** Options as the step's program takes them. */
const asArguments = (options) =>
  Object.entries(options).flatMap(([key, value]) => {
    if (value === true) return [`--${key}`];
    if (value === false || value === null || value === undefined) return [];
    return [value].flat().flatMap((one) => [`--${key}`, String(one)]);
  });

/** What the runner itself knows of a step. */
function standing(step, { build, repository, folder, approve }) {
  const common = { folder };
  if (step === 'push') return { ...common, repository, build };
  if (['deploy-workers', 'ramp-workers'].includes(step)) return { ...common, build };
  if (step === 'terraform-apply') {
    const { sha256 } = JSON.parse(fs.readFileSync(path.join(folder, 'plan.json'), 'utf8'));
    return { ...common, approved: sha256, by: approve };
  }
  return common;
}

function chosen(all, { from, to, skip }) {
  const names = all.map(({ step }) => step);
  const at = (name, otherwise) => {
    if (name === undefined) return otherwise;
    if (!names.includes(name))
      throw new WrongUse(`there is no step '${name}'; there are ${names.join(', ')}`);
    return names.indexOf(name);
  };
  skip.forEach((name) => at(name, 0));
  return all.slice(at(from, 0), at(to, all.length - 1) + 1).filter(({ step }) => !skip.includes(step));
}

function main(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      build: { type: 'string' },
      repository: { type: 'string' },
      settings: { type: 'string' },
      folder: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      skip: { type: 'string', multiple: true, default: [] },
      approve: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  const say = (line) => process.stderr.write(`delivery: ${line}\n`);
  if (values.help) {
    const lists = Object.keys(PIPELINES).map(
      (name) =>
        `${name}: ${stepsOf(name)
          .map(({ step }) => step)
          .join(', ')}`,
    );
    process.stdout.write(
      `usage: run.cjs ${Object.keys(PIPELINES).join('|')} --build ID --repository HOST/PATH [--settings FILE] [--folder FOLDER]\n` +
        `               [--from STEP] [--to STEP] [--skip STEP]... [--approve WHO] [--dry-run]\n${lists.join('\n')}\n`,
    );
    return 0;
  }
  const [pipeline] = positionals;
  if (!PIPELINES[pipeline])
    throw new WrongUse(`name a pipeline: ${Object.keys(PIPELINES).join(' or ')} (--help)`);
  if (pipeline === 'program' && !(values.build && values.repository))
    throw new WrongUse('--build and --repository are needed');
  const settings = readSettings(values.settings);
  const folder = path.resolve(
    values.folder ?? path.join(root, '.titrate/delivery', values.build ?? pipeline),
  );
  const steps = chosen(stepsOf(pipeline), values);
  const done = [];
  let failed = null;
  for (const { step, always, after } of steps) {
    if (failed && !(always && done.includes(after))) continue;
    if (step === 'terraform-apply' && !values.approve && !values['dry-run']) {
      say(
        `the plan waits for approval: read ${path.join(folder, 'plan.txt')}, then --from terraform-apply --approve WHO`,
      );
      return 3;
    }
    if (step === 'terraform-apply' && values['dry-run']) {
      say('terraform-apply: would apply the plan that was approved');
      continue;
    }
    const same = SAME_AS[step] ?? { step, options: {} };
    const options = {
      ...standing(step, { ...values, folder }),
      ...same.options,
      ...settings[step],
      'dry-run': values['dry-run'],
    };
    say(`step ${step}`);
    const { status } = spawnSync(
      process.execPath,
      [path.join(__dirname, 'steps', `${same.step}.cjs`), ...asArguments(options)],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, ...settings.environment },
      },
    );
    if (status === 2) return 2;
    done.push(step);
    if (status !== 0) {
      failed ??= step;
      say(`step ${step} FAILED`);
    }
  }
  say(failed ? `the ${pipeline} pipeline failed at ${failed}` : `the ${pipeline} pipeline is done`);
  return failed ? 1 : 0;
}

module.exports = { PIPELINES, stepsOf };
if (require.main === module) {
  try {
    process.exit(main(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`delivery: ${error.message}\n`);
    process.exit(error instanceof WrongUse || error.code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1);
  }
}
