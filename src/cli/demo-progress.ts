import type { Client, WorkflowHandle } from '@temporalio/client';
import { QUERIES, type CampaignHistory, type CampaignStatus, type RoundSummary } from '../contracts';
import { soon } from './connect';
import { formatNumber } from './table';

/** Between two looks, milliseconds. */
const LOOK_EVERY_MS = 700;

/** `round 2: 80 labels, best 0.91, gaussian-process, held-out RMSE 0.82, batch of 40 sealed 3fa1b2c4` */
export function describeRound(r: RoundSummary): string {
  const parts = [
    `${r.labels} labels`,
    ...(r.best === null ? [] : [`best ${formatNumber(r.best)}`]),
    r.family ?? 'no model yet',
    ...(r.metrics ? [`held-out RMSE ${r.metrics.rmse.toFixed(2)}`] : []),
    ...(r.seal ? [`batch of ${r.batchSize} sealed ${r.seal.slice(0, 8)}`] : []),
  ];
  return `round ${r.round}: ${parts.join(', ')}`;
}

export function describeDeployment({ round, modelVersion, deployment }: RoundSummary): string | null {
  if (!deployment || deployment.status === 'off') return null;
  return `round ${round}: model ${modelVersion} ${deployment.status}${deployment.status === 'deployed' ? '' : `: ${deployment.message}`}`;
}

/**
 * Tells each stage and each round of a campaign as one line, until `signal` is aborted. Questions that nobody answers, for
 * instance while a worker is started again, are asked again.
 */
export async function followCampaign(
  client: Client,
  handle: WorkflowHandle,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  const tell = (line: string | null) => {
    if (line === null || told.has(line)) return;
    told.add(line);
    say(line);
  };
  const look = async () => {
    const [status, history] = await soon(client, () =>
      Promise.all([
        handle.query<CampaignStatus>(QUERIES.status),
        handle.query<CampaignHistory>(QUERIES.history),
      ]),
    );
    for (const round of history.rounds) {
      tell(describeRound(round));
      tell(describeDeployment(round));
    }
    if (status.stage !== 'finished') tell(`round ${status.round}, ${status.stage}: ${status.message}`);
  };
  const settled = new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  while (!signal.aborted) {
    await look().catch(() => {});
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
  }
  // What happened between the last look and the end.
  await look().catch(() => {});
}
