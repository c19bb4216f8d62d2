import type { Command } from 'commander';
import pc from 'picocolors';
import { verb } from '../context';
import { LOCAL_CHECKS, type Finding, type Verdict } from '../doctor-checks';
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

const doctor = verb<[], object>(async (cli) => {
  const findings: Finding[] = [];
  for (const check of LOCAL_CHECKS) findings.push({ check: check.name, ...(await check.run(cli.settings)) });
  findings.push(...(await checkServers(cli.settings)));
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
  cli.result({ healthy: failed === 0, findings }, () => describe(findings));
  cli.say(failed ? `${failed} of ${findings.length} checks failed` : 'nothing that would stop a campaign');
  return failed ? 1 : 0;
});

/** `titrate doctor`: everything a campaign needs, and how to mend what is missing. Exit code 1 when something is. */
export function doctorVerb(program: Command): void {
  program
    .command('doctor')
    .description('check everything a campaign needs, and say how to mend it')
    .action(doctor);
}
