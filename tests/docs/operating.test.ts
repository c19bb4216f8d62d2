import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createProgram } from '../../src/cli/main';
import { compiledEntry, packageRoot } from '../../src/foundation';
import { SETTING_VARIABLES, settingsSchema } from '../../src/platform/settings';
import { IDENTITIES, SECRETS } from '../../src/platform/topology';

const DOCUMENTS = [
  'docs/google-cloud-setup.md',
  'docs/runbooks/upgrade.md',
  'docs/runbooks/disaster-recovery.md',
  'docs/runbooks/decommission.md',
];
const textOf = (file: string) => readFileSync(path.join(packageRoot, file), 'utf8');

/** What is written as code: lines of blocks, with those that go on, and spans. */
function codeOf(file: string): string[] {
  const text = textOf(file);
  const blocks = [...text.matchAll(/```\w*\n([\s\S]*?)```/g)].flatMap((match) =>
    match[1]!.replaceAll('\\\n', ' ').split('\n'),
  );
  const spans = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
  return [...blocks, ...spans];
}

type Command = ReturnType<typeof createProgram>;
const flagsOf = (line: string) => [...line.matchAll(/(?<=\s)--[a-z][a-z-]*/g)].map(([flag]) => flag);

/** The command of a line, as deep as its words name one. */
function commandOf(words: readonly string[]): Command {
  let command: Command = createProgram();
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (!next) break;
    command = next;
  }
  return command;
}

describe.each(DOCUMENTS)('%s', (file) => {
  const code = codeOf(file);

  test('its commands of titrate are commands, with those options and arguments', () => {
    const lines = code.flatMap((line) => line.match(/scripts\/titrate [^&|;#]*/g) ?? []);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) {
      const words = line.trim().split(/\s+/).slice(1);
      const command = commandOf(words);
      expect([line, command.parent === null]).toEqual([line, false]);
      expect([line, command.commands.length]).toEqual([line, 0]);
      const options = [command, createProgram()].flatMap((one) => one.options.map(({ long }) => long));
      for (const flag of flagsOf(line))
        expect([line, options]).toEqual([line, expect.arrayContaining([flag])]);
    }
  });

  test('its scripts and files are there', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const all = code.join('\n');
    for (const [, name] of all.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(name);
    const named = [...all.matchAll(/(?<![\w/.-])(?:docs|examples|infra|scripts|src)\/[\w./-]+/g)]
      .map(([name]) => name.replace(/[.,]$/, ''))
      // Made by the commands beside them.
      .filter((name) => !name.startsWith('infra/kubernetes/installations'));
    for (const name of named) expect([name, existsSync(path.join(packageRoot, name))]).toEqual([name, true]);
  });

  test('its settings, variables, accounts and secrets exist', () => {
    const all = code.join('\n');
    const elsewhere = ['TITRATE_CONFIG', ...SECRETS.map(({ variable }) => variable)];
    for (const [name] of all.matchAll(/TITRATE_[A-Z_]+/g))
      expect([...Object.keys(SETTING_VARIABLES), ...elsewhere]).toContain(name);
    const rooms = Object.keys(settingsSchema.shape);
    const settings = [
      ...all.matchAll(new RegExp(`(?<![\\w/.-])(${rooms.join('|')})\\.(\\w+)(?=[\\s:,)]|$)`, 'gm')),
    ].filter(([whole]) => !whole.endsWith('.yaml'));
    for (const [whole, room, key] of settings) {
      const schema = JSON.parse(textOf('docs/schemas/settings.json')) as {
        properties: Record<string, { properties?: object }>;
      };
      expect([whole, Object.keys(schema.properties[room!]?.properties ?? {})]).toEqual([
        whole,
        expect.arrayContaining([key]),
      ]);
    }
    const accounts = [...all.matchAll(/titrate-[a-z-]+(?=@)/g)].map(([name]) => name);
    for (const name of accounts) expect(IDENTITIES.map((identity) => identity.name)).toContain(name);
    for (const [, name] of all.matchAll(/secrets versions add (titrate-[a-z-]+)/g))
      expect(SECRETS.map((secret) => secret.name)).toContain(name);
  });
});

test('options of capacity and of the pipeline are options', () => {
  const lines = DOCUMENTS.flatMap(codeOf);
  const helps = {
    'npm run capacity -- ': spawnSync(process.execPath, [compiledEntry('scripts/capacity'), '--help'], {
      encoding: 'utf8',
    }).stdout,
    'node infra/ci/run.cjs ': textOf('infra/ci/run.cjs'),
  };
  for (const [command, help] of Object.entries(helps)) {
    const used = lines.filter((line) => line.includes(command));
    expect(used.length).toBeGreaterThan(0);
    for (const line of used)
      for (const flag of flagsOf(line)) expect([line, help]).toEqual([line, expect.stringContaining(flag)]);
  }
});

test('the documents name the three steps that Terraform takes in the words of its own README', () => {
  const readme = textOf('infra/terraform/README.md');
  const own = codeOf('docs/google-cloud-setup.md').filter((line) =>
    /^terraform (init|plan|apply)/.test(line),
  );
  expect(own.length).toBe(4);
  // Comments aside.
  for (const line of own) expect(readme).toContain(line.trim());
});
