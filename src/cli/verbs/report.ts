import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { propertiesOf, type CampaignConfig } from '../../contracts';
import { writeFileAtomic } from '../../foundation';
import type { Ports } from '../../platform/composition';
import { homePaths } from '../../platform/settings';
import type { CampaignSummary, Truth } from '../../reporting';
import { verb } from '../context';
import { withPorts } from '../ports';
import { facts } from '../table';

/** The part of the pool that counts as its top where the truth is known. */
export const TOP_FRACTION = 0.1;

interface ReportOptions {
  readonly truth?: string[];
  readonly top: number;
  readonly output?: string;
  readonly performance?: boolean;
  readonly prices?: string;
}

/** Values of the truth files for the molecules of a campaign, or undefined without files. */
export async function campaignTruth(
  ports: Ports,
  config: Pick<CampaignConfig, 'objective' | 'pool'>,
  truth: readonly string[],
  topFraction: number,
): Promise<Truth | undefined> {
  if (truth.length === 0) return undefined;
  const { readTruth, truthFilesOf } = await import('../lab/truth');
  const names = propertiesOf(config.objective).map(({ property }) => property);
  // The report holds the first property against what is known.
  const [first] = truthFilesOf(truth, names, ports.settings.workingDirectory);
  const { values } = await readTruth(first!.files, { chemistry: ports.chemistry(), ...config.pool });
  return { values, topFraction };
}

/** Renders a campaign's report into `file` and sums the campaign up. */
export async function writeReport(
  ports: Ports,
  campaignId: string,
  file: string,
  truth: Truth | undefined,
): Promise<CampaignSummary & { report: string }> {
  // Loaded here: the drawing of charts would cost every command half a second.
  const { renderReport, summariseCampaign } = await import('../../reporting');
  const { createDriftLog } = await import('../../tracking');
  const { reportPerformance } = await import('../../platform/performance');
  const record = await ports.log.read(campaignId);
  const load = (ref: { sha256: string }) => ports.objects.get(ref);
  const html = await renderReport({
    record,
    load,
    depict: (smiles) => ports.chemistry().depict(smiles),
    truth,
    performance: await reportPerformance(ports, campaignId),
    drift: await createDriftLog(ports.objects).read(campaignId),
    generatedAt: new Date().toISOString(),
  });
  await writeFileAtomic(file, html);
  return { ...(await summariseCampaign(record, load, truth)), report: file };
}

/** Lines of a summary, for people. */
export function describeSummary(s: CampaignSummary & { report: string }): string {
  const random = s.topFoundRandom === undefined ? '' : ` (at random: ${s.topFoundRandom.toFixed(1)})`;
  return facts([
    ['campaign', s.campaignId],
    ['rounds', s.rounds],
    ['labelled', `${s.labelled} of ${s.poolSize} molecules`],
    ['best', s.best],
    [`top ${s.topK ?? ''} found`, s.topFound === undefined ? null : `${s.topFound}${random}`],
    ['model', s.modelVersion],
    ['backend', s.backend],
    ['report', s.report],
  ]);
}

const report = verb<[string], ReportOptions>(async (cli, options, campaignId) => {
  if (options.performance) {
    const { showPerformance } = await import('../performance/show');
    return showPerformance(cli, campaignId, options);
  }
  return withPorts(cli.settings, async (ports) => {
    const { config } = await ports.log.read(campaignId);
    const truth = await campaignTruth(ports, config, options.truth ?? [], options.top);
    const file = path.resolve(
      options.output ?? path.join(homePaths(cli.settings).reports, `${campaignId}.html`),
    );
    cli.result(await writeReport(ports, campaignId, file, truth), describeSummary);
  });
});

function fraction(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('Expected a fraction above 0, at most 1.');
  return value;
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** `titrate report`: from the campaign's own records; no server is needed. With --performance one is asked about rounds that are not on record. */
export function reportVerb(program: Command): void {
  program
    .command('report <campaign>')
    .description('write the report of a campaign, running or finished, as one HTML page')
    .option(
      '--truth <file[:valueColumn]>',
      'known values of the pool, to compare with random picking; may be given several times',
      collect,
    )
    .option('--top <fraction>', 'the part of the pool that counts as its top', fraction, TOP_FRACTION)
    .option('--output <file>', 'where to write (default: <home>/reports/<campaign>.html)')
    .option('--performance', 'instead: say where time, money and labels went, and what would have taken less')
    .option(
      '--prices <file>',
      'with --performance: JSON with prices of your own, as npm run capacity takes it',
    )
    .action(report);
}
