import { Option, type Command } from 'commander';
import pc from 'picocolors';
import type { Settings } from '../../platform/settings';
import { settingsOf, verb } from '../context';
import { LOCAL_CHECKS, MACHINE_CHECKS, type Finding, type Verdict } from '../doctor-checks';
import { checkServers } from '../doctor-server-checks';

const MARKS: Record<Verdict, string> = {
  ok: pc.green('ok  '),
  warn: pc.yellow('warn'),
  fail: pc.red('FAIL'),
};

function describe(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, verdict, found, remedy }) => [
      `${MARKS[verdict]}  ${check.padEnd(width)}  ${found}`,
      ...(remedy ? [`${' '.repeat(width + 8)}→ ${remedy}`] : []),
    ])
    .join('\n');
}

async function examine(settings: Settings): Promise<Finding[]> {
  const cloud = settings.profile === 'gcp';
  const found: Finding[] = [];
  for (const check of cloud ? MACHINE_CHECKS : LOCAL_CHECKS)
    found.push({ check: check.name, ...(await check.run(settings)) });
  if (!cloud) return [...found, ...(await checkServers(settings))];
  // Loaded only here: Google's and Kubernetes' libraries cost a second.
  const { checkCloud } = await import('../gcp');
  return [...found, ...(await checkCloud(settings))];
}

const doctor = verb<[], { profile?: 'local' | 'gcp' }>(async (cli, options) => {
  const { profile } = options;
  const settings = profile ? settingsOf(options, { profile }) : cli.settings;
  const findings = await examine(settings);
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
  cli.result({ healthy: failed === 0, findings }, () => describe(findings));
  cli.say(failed ? `${failed} of ${findings.length} checks failed` : 'nothing that would stop a campaign');
  return failed ? 1 : 0;
});

/** `titrate doctor`: everything a campaign needs, and how to mend what is missing. Exit code 1 when something is. */
export function doctorVerb(program: Command): void {
  program
    .command('doctor')
    .description('check everything a campaign needs, and say how to mend it; changes nothing of it')
    .addOption(
      new Option('--profile <name>', 'what to examine (default: that of the settings)').choices([
        'local',
        'gcp',
      ]),
    )
    .action(doctor);
}
