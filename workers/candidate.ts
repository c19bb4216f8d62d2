import {
  asTitrateError,
  TitrateError,
  versionParts,
  type ModelVersion,
  type TrainingRow,
} from '../src/contracts';
import { decodeNdjson } from '../src/foundation';
import { createServingLog } from '../src/observability/logging';
import { openPorts, type Ports } from '../src/platform/composition';
import { openSigner } from '../src/platform/evidence';
import { servingLimits } from '../src/platform/inference-options';
import { loadSettings } from '../src/platform/settings';
import { openTracing } from '../src/platform/tracing';
import { createInferenceServer, pinnedTo, signedOnly, type CandidateMessage } from '../src/serving';
import { createKeyAuthenticator, newApiKey } from '../src/serving/access';
import { serveUntilTold } from './serve-until-told';

/** How often the parent is told of the memory in use, milliseconds. */
const TELL_EVERY_MS = 500;
const WARM_UP_REQUESTS = 50;
/** Who takes longer is not warmed up any further, milliseconds. */
const WARM_UP_ANSWER_MS = 2000;

/**
 * A model version on trial: `candidate VERSION`. The inference server in a process of its own, on a port of this machine that only
 * its parent is told of; it ends with the parent.
 */
async function main(): Promise<void> {
  const name = process.argv[2];
  if (!name || !process.send)
    throw new TitrateError('usage', { what: 'expected the id of a version, and a parent to talk to' });
  const settings = loadSettings();
  const ports = openPorts(settings);
  const tracing = openTracing(settings, 'candidate', ports.metrics.registry);
  const version = await ports.registry.resolve(name);
  const logger = createServingLog(settings.logLevel, `candidate ${version.id}`);
  const registry = signedOnly(ports.registry, openSigner(ports.objects, process.env));
  // Only its parent is told: without the key nobody on this machine can ask it past the parent's own callers.
  const { key, sha256 } = newApiKey();
  const server = createInferenceServer({
    ...servingLimits(settings),
    registry,
    objects: ports.objects,
    chemistry: ports.chemistry(),
    learning: ports.learning(),
    logger,
    pointers: pinnedTo(version),
    access: {
      authenticator: createKeyAuthenticator([{ name: 'titrate', sha256, scopes: ['predict', 'read'] }]),
    },
    metricsScope: 'read',
    // Its parent decides what is traced.
    traceShare: tracing ? 0 : undefined,
    host: '127.0.0.1',
    port: 0,
  });
  serveUntilTold(server, ports, fail);

  const address = await server.start();
  await server.whenReady();
  const { campaignId } = versionParts(version.id);
  const answer = await fetch(`${address}/v2/models/${encodeURIComponent(campaignId)}/ready`);
  const { ready, failure } = (await answer.json()) as { ready?: boolean; failure?: { message: string } };
  if (!ready) throw new Error(failure?.message ?? `it is not ready: ${answer.status}`);
  await warmUp({ registry, objects: ports.objects }, version, { address, key });
  tell({ kind: 'ready', address, key });
  setInterval(() => tell({ kind: 'memory', bytes: process.memoryUsage.rss() }), TELL_EVERY_MS).unref();
}

/** Asks it for molecules it was trained on, so that its first users do not meet cold code. What comes of it is for the trial to see. */
async function warmUp(
  { registry, objects }: Pick<Ports, 'registry' | 'objects'>,
  version: ModelVersion,
  { address, key }: { readonly address: string; readonly key: string },
): Promise<void> {
  const { training } = await registry.card(version);
  const rows = decodeNdjson<TrainingRow>(await objects.get(training)).slice(0, WARM_UP_REQUESTS);
  for (const { smiles } of rows) {
    const answered = await fetch(`${address}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ smiles: [smiles] }),
      signal: AbortSignal.timeout(WARM_UP_ANSWER_MS),
    }).then(
      (response) => response.arrayBuffer(),
      () => null,
    );
    if (!answered) return;
  }
}

function tell(message: CandidateMessage): void {
  if (process.connected) process.send!(message);
}

function fail(error: unknown): void {
  const { message } = asTitrateError(error);
  process.stderr.write(`candidate: ${message}\n`);
  if (process.connected) process.send!({ kind: 'failed', message }, () => process.exit(1));
  else process.exit(1);
}

main().catch(fail);
