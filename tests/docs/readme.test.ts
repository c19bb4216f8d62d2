import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { campaignConfigSchema, parseWith, QUERIES, SIGNALS, UPDATES } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';

const readme = readFileSync(path.join(packageRoot, 'README.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!);
const markdown = (folder: string): string[] =>
  readdirSync(path.join(packageRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? markdown(name) : name.endsWith('.md') ? [name] : [];
  });

describe('what the documents say is so', () => {
  test('the configuration in the README is a configuration, and its sources are there', () => {
    const [json] = blocks('json');
    const config = parseWith(campaignConfigSchema, JSON.parse(json!), 'README.md');
    for (const { uri } of config.pool.sources!) expect(existsSync(path.join(packageRoot, uri))).toBe(true);
  });

  test('the example campaign is one too', () => {
    const text = readFileSync(path.join(packageRoot, 'examples/solubility/campaign.json'), 'utf8');
    expect(() => parseWith(campaignConfigSchema, JSON.parse(text), 'campaign.json')).not.toThrow();
  });

  const commands = [
    ...new Set(
      blocks('sh')
        .join('\n')
        .match(/^scripts\/titrate [a-z]+( (?!pilot|--|my-)[a-z]+)?/gm),
    ),
  ];
  test.each(commands)('%s is a command', (command) => {
    const [, ...verbs] = command.split(' ');
    const { status, stdout } = spawnSync(
      process.execPath,
      [path.join(packageRoot, 'scripts/titrate'), ...verbs, '--help'],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: titrate ${verbs.join(' ')}`);
  });

  test('every message it lists exists, and every one that exists is listed', () => {
    const listed = [...readme.matchAll(/^\| ((?:`\w+` *)+)\|/gm)].flatMap((match) =>
      match[1]!.match(/\w+/g)!,
    );
    expect(listed.sort()).toEqual([SIGNALS, UPDATES, QUERIES].flatMap((names) => Object.keys(names)).sort());
  });

  test.each(['README.md', 'CHANGELOG.md', ...markdown('docs'), ...markdown('examples')])(
    'the links of %s lead somewhere',
    (file) => {
      // Code is no prose: a SMILES in it may look like a link.
      const text = readFileSync(path.join(packageRoot, file), 'utf8').replace(
        /```[\s\S]*?```|`[^`\n]*`/g,
        '',
      );
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
        expect([target, existsSync(path.join(packageRoot, path.dirname(file), target!))]).toEqual([
          target,
          true,
        ]);
      }
    },
  );
});
