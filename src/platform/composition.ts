import type { Readable } from 'node:stream';
import { createChemistry, type Chemistry } from '../chemistry';
import { createDatasets, type Datasets } from '../datasets';
import type { Learning } from '../learning';
import {
  createFileObjectStore,
  createGcsObjectStore,
  createPointerLog,
  createStepCache,
  type ObjectStore,
  type PointerLog,
  type StepCache,
} from '../objects';
import { createDataflowProcessor, createInlineProcessor, type BulkProcessor } from '../processing';
import { createMetrics, type Metrics } from '../observability';
import type { Deployer } from '../rollout';
import { createLanding, createTransports, type Landing } from '../sources';
import {
  createCampaignLog,
  createLocalTracker,
  createModelRegistry,
  createTrackingSpool,
  createWandbTracker,
  type CampaignLog,
  type ExperimentTracker,
  type ModelRegistry,
  type TrackingSpool,
} from '../tracking';
import type { ModelUpload, TrainingService, TuningService } from '../training';
import {
  createBigQueryIndex,
  createDuckDbIndex,
  createWarehouse,
  type Warehouse,
  type WarehouseIndex,
} from '../warehouse';
import { lazyLearning } from './lazy-learning';
import { observersOf, type Observers } from './observers';
import { bySize } from './processing-by-size';
import { openDeployer } from './rollout';
import { homePaths, type Settings } from './settings';
import { openModelUpload } from './model-upload';
import { openTraining, openTuning } from './training';

/** The parts of an installation. Costly ones (threads, the database, cloud clients) start when they are first asked for. */
export interface Ports {
  readonly settings: Settings;
  /** What this process counts. */
  readonly metrics: Metrics;
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  readonly pointers: PointerLog;
  readonly datasets: Datasets;
  readonly registry: ModelRegistry;
  readonly log: CampaignLog;
  readonly spool: TrackingSpool;
  readonly tracker: ExperimentTracker;
  readonly deployer: Deployer;
  chemistry(): Chemistry;
  learning(): Learning;
  processor(): BulkProcessor;
  training(): TrainingService;
  /** null where the settings have none. */
  tuning(): TuningService | null;
  /** @throws TitrateError config-invalid naming what the settings lack */
  modelUpload(): ModelUpload;
  /** @param stdin what the source '-' means; none where it is left out */
  landing(stdin?: Readable): Landing;
  warehouse(): Promise<Warehouse>;
  close(): Promise<void>;
}

/** Why Temporal interrupts an activity that it will start again: the job goes on, and the next attempt finds it. */
const TAKEN_UP_AGAIN: ReadonlySet<string> = new Set([
  'WORKER_SHUTDOWN',
  'TIMED_OUT',
  'PAUSED',
  'RESET',
  // Of an attempt that was given up for lost while another one is at it already.
  'NOT_FOUND',
]);
const isTakenUpAgain = (reason: unknown) => reason instanceof Error && TAKEN_UP_AGAIN.has(reason.message);

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** The bucket of the settings; asked for only where `objects.store` is 'gcs'. */
export function bucketOptions({ objects, google }: Settings) {
  return {
    bucket: objects.bucket!,
    prefix: objects.prefix,
    endpoint: objects.endpoint,
    projectId: google.project,
  };
}

/** @param events what is told of local copies */
export function openObjects(settings: Settings, events?: Observers['objectCache']): ObjectStore {
  const { objects } = settings;
  const paths = homePaths(settings);
  if (objects.store === 'files') return createFileObjectStore(paths.objects);
  return createGcsObjectStore({
    ...bucketOptions(settings),
    cacheDirectory: paths.objectCache,
    maxCacheBytes: Math.round(objects.cacheGigabytes * GIB),
    ...events,
  });
}

/** @param onBilled told what BigQuery bills for each query, bytes */
export function openWarehouseIndex(
  settings: Settings,
  objects: ObjectStore,
  onBilled?: (bytes: number) => void,
): Promise<WarehouseIndex> {
  const { warehouse, google } = settings;
  if (warehouse.engine === 'duckdb')
    return createDuckDbIndex({ path: homePaths(settings).warehouse, objects });
  return createBigQueryIndex({
    projectId: google.project!,
    dataset: warehouse.dataset,
    location: google.location,
    labels: google.labels,
    maximumBytesBilled: maximumBytesBilled(settings),
    endpoint: warehouse.endpoint,
    objects,
    onBilled,
  });
}

const maximumBytesBilled = ({ warehouse }: Settings) => Math.round(warehouse.maximumGigabytesBilled * GIB);

export function openTracker({ tracking }: Settings, objects: ObjectStore): ExperimentTracker {
  if (tracking.engine === 'local') return createLocalTracker(objects);
  return createWandbTracker({
    objects,
    baseUrl: tracking.endpoint,
    entity: tracking.entity!,
    project: tracking.project,
    apiKey: () => process.env.WANDB_API_KEY,
  });
}

/** The one place where adapters are chosen. @param metrics one set a process, also where it opens several sets of ports */
export function openPorts(settings: Settings, metrics: Metrics = createMetrics()): Ports {
  const paths = homePaths(settings);
  const { google } = settings;
  const observers = observersOf(settings, metrics);
  const objects = observers.objects(openObjects(settings, observers.objectCache));
  const pointers = createPointerLog(objects);
  const steps = observers.steps(createStepCache(objects));
  const registry = createModelRegistry({ objects, pointers });
  const datasets = createDatasets({ objects, pointers, temporaryDirectory: paths.scratch });
  let chemistry: Chemistry | undefined;
  let learning: Learning | undefined;
  let processor: BulkProcessor | undefined;
  let training: TrainingService | undefined;
  let tuning: TuningService | null | undefined;
  let modelUpload: ModelUpload | undefined;
  let warehouse: Promise<Warehouse> | undefined;
  const chemistryPort = () =>
    (chemistry ??= observers.chemistry(createChemistry({ threads: settings.threads.chemistry })));

  function openProcessor(): BulkProcessor {
    const inline = observers.processor(
      createInlineProcessor({ objects, steps, chemistry: chemistryPort() }),
      false,
    );
    const { processing } = settings;
    if (processing.engine === 'inline') return inline;
    const dataflow = createDataflowProcessor({
      objects,
      steps,
      storeUri: `gs://${settings.objects.bucket!}/${settings.objects.prefix}`,
      chemistryVersion: () => chemistryPort().version(),
      keepJobOn: isTakenUpAgain,
      dataflow: {
        projectId: google.project!,
        region: google.region,
        labels: google.labels,
        templatePath: processing.template!,
        stagingLocation: processing.staging!,
        serviceAccountEmail: processing.serviceAccount,
        subnetwork: processing.subnetwork,
        machineType: processing.machineType,
        workerImage: processing.workerImage,
        maxWorkers: processing.maxWorkers,
        endpoint: processing.endpoint,
      },
    });
    return bySize(inline, observers.processor(dataflow, true), processing.dataflowFromMegabytes * MIB);
  }

  return {
    settings,
    metrics,
    objects,
    pointers,
    steps,
    datasets,
    registry,
    log: createCampaignLog(objects),
    spool: createTrackingSpool(objects),
    tracker: openTracker(settings, objects),
    deployer: openDeployer(settings, { pointers, registry }),
    chemistry: chemistryPort,
    learning: () =>
      (learning ??= lazyLearning({
        threads: settings.threads.learning,
        backend: settings.learning.backend,
      })),
    processor: () => (processor ??= openProcessor()),
    training: () =>
      (training ??= observers.training(
        openTraining(settings, { objects, steps, keepJobOn: isTakenUpAgain }),
      )),
    tuning: () => (tuning ??= openTuning(settings)),
    modelUpload: () => (modelUpload ??= openModelUpload(settings, objects)),
    landing: (stdin) =>
      observers.landing(
        createLanding({
          objects,
          stagingDirectory: paths.landing,
          transports: createTransports({
            workingDirectory: settings.workingDirectory,
            stdin,
            https: { headersByHost: settings.https.headers },
            gcs: { projectId: google.project, endpoint: settings.objects.endpoint },
            bigquery: {
              projectId: google.project,
              location: google.location,
              labels: google.labels,
              maximumBytesBilled: maximumBytesBilled(settings),
              endpoint: settings.warehouse.endpoint,
              keepJobOn: isTakenUpAgain,
            },
          }),
        }),
      ),
    warehouse: () =>
      (warehouse ??= (async () => {
        const index = await openWarehouseIndex(settings, objects, observers.billed);
        return observers.warehouse(await createWarehouse({ objects, datasets, index }));
      })()),
    async close() {
      const ended = await Promise.allSettled([
        processor?.close(),
        training?.close(),
        tuning?.close(),
        modelUpload?.close(),
        learning?.close(),
        // Why it could not be opened was told to whoever asked for it.
        warehouse?.then(
          (opened) => opened.close(),
          () => undefined,
        ),
        datasets.close(),
        chemistry?.close(),
      ]);
      const failed = ended.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
