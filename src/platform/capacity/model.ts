import { COMPONENTS, PLATFORM_SCALERS } from '../topology';
import { valueOf } from './assumptions';
import type { PriceName, Prices } from './prices';

/** What is asked of an installation. */
export interface Workload {
  /** Molecules to choose from. */
  readonly pool: number;
  /** Molecules of a batch. */
  readonly batch: number;
  readonly rounds: number;
  /** From one batch to the next, days. */
  readonly roundDays: number;
  /** Labels before the first round. */
  readonly labels: number;
  /** How long the first standardising and featurising may take, hours. */
  readonly firstHours: number;
  /** Rounds with as many labels train in jobs of Vertex AI (training.vertexFromLabels). */
  readonly vertexFromLabels: number;
  /** Sources from this size on are standardised by Dataflow, MB (processing.dataflowFromMegabytes). */
  readonly dataflowFromMegabytes: number;
}

export interface Line {
  readonly what: string;
  readonly quantity: number;
  readonly unit: string;
  readonly usd: number;
}

export interface RoundNeeds {
  readonly round: number;
  readonly labels: number;
  readonly where: 'worker' | 'vertex';
  /** Of learning, scoring and choosing. */
  readonly cpuSeconds: number;
  /** From the first step to the batch. */
  readonly hours: number;
  /** That a machine with a GPU is paid for. */
  readonly gpuHours: number;
}

export interface Capacity {
  readonly standardiseCpuHours: number;
  readonly featuriseCpuHours: number;
  readonly featurizationPods: number;
  readonly spotNodes: number;
  /** Of the first features, with that many pods. */
  readonly firstHours: number;
  readonly rounds: readonly RoundNeeds[];
  readonly objectGigabytes: number;
  readonly bigQueryGigabytes: number;
  readonly bigQueryBytesBilled: number;
  readonly months: number;
  readonly lines: readonly Line[];
  readonly usd: number;
}

const HOUR = 3600;
const GB = 1e9;
const MIB = 2 ** 20;
const DAYS_A_MONTH = 365 / 12;
const HOURS_A_MONTH = 730;
/** Rows up to which the Gaussian process is exact, and its cost cubic (docs/models.md). */
const EXACT_LABELS = 5000;
const MINIMUM_BILLED = 10 * MIB;

/** CPU-seconds of fitting a Gaussian process with its hyperparameters. */
export function fitCpuSeconds(labels: number): number {
  if (labels <= 1000) return valueOf('fitSmall') * (labels / 1000);
  if (labels <= 2000) return valueOf('fitMiddle') * (labels / 2000) ** 2.2;
  if (labels <= EXACT_LABELS) return valueOf('fitMiddle') * (labels / 2000) ** 3;
  return valueOf('fitLarge') * (labels / 65_000);
}

export const standardiseCpuSeconds = (molecules: number) => molecules * valueOf('standardiseMolecule');
export const featuriseCpuSeconds = (molecules: number) => molecules * valueOf('featuriseMolecule');
/** The exact best of a pool: candidates are compared with every label. */
export const scoreCpuSeconds = (molecules: number, labels: number) =>
  molecules * valueOf('scoreMolecule') * (labels / valueOf('scoreLabels'));

/** CPU-seconds of one round by stage, as a round's timings name them. */
export function roundCpuParts(pool: number, labels: number) {
  return {
    explore: valueOf('explore'),
    train: valueOf('fitsPerRound') * (fitCpuSeconds(labels) + labels * valueOf('ensembleLabel')),
    score: scoreCpuSeconds(pool, Math.min(labels, EXACT_LABELS)),
    acquire: valueOf('coverBatch') * Math.max(1, labels / valueOf('scoreLabels')),
  };
}

/** Learning, scoring and choosing of one round. */
export function roundCpuSeconds(pool: number, labels: number): number {
  const { explore, train, score, acquire } = roundCpuParts(pool, labels);
  return explore + train + score + acquire;
}

function needsOf(round: number, { pool, batch, labels: first, vertexFromLabels }: Workload): RoundNeeds {
  const labels = first + (round - 1) * batch;
  const cpuSeconds = roundCpuSeconds(pool, labels);
  const busy = (cpuSeconds * valueOf('vcpuPerCore')) / valueOf('jobThreads');
  const vertex = labels >= vertexFromLabels;
  const starts = valueOf('jobStart') * (vertex ? valueOf('jobsPerRound') : 1);
  const paid = busy + starts + (vertex ? 0 : valueOf('idleNode'));
  return {
    round,
    labels,
    where: vertex ? 'vertex' : 'worker',
    cpuSeconds,
    hours: (busy + starts) / HOUR,
    gpuHours: paid / HOUR,
  };
}

const scaler = (name: string) => PLATFORM_SCALERS.find((one) => one.name === name)!;

/** Nodes, GPU hours, bytes and money of one campaign on an installation of its own (environment prod). */
export function capacityOf(workload: Workload, prices: Prices): Capacity {
  const { pool, batch, rounds, roundDays, firstHours, dataflowFromMegabytes } = workload;
  const core = valueOf('vcpuPerCore') / HOUR;
  const standardise = standardiseCpuSeconds(pool) * core;
  const featurise = featuriseCpuSeconds(pool) * core;
  const byDataflow = pool * valueOf('rawBytes') >= dataflowFromMegabytes * 1e6;
  const podCpus = Number(COMPONENTS.featurization.resources!.cpu);
  const onPods = featurise + (byDataflow ? 0 : standardise);
  const mostPods = COMPONENTS.featurization.scaling.bounds.prod.max;
  const pods = Math.min(mostPods, Math.max(1, Math.ceil(onPods / podCpus / firstHours)));
  const podsANode = Math.ceil(mostPods / scaler('spot').bounds.prod.max);
  const spotNodes = Math.ceil(pods / podsANode);
  const hours = onPods / podCpus / pods;
  const needs = Array.from({ length: rounds }, (_, i) => needsOf(i + 1, workload));
  const sum = (where: RoundNeeds['where']) =>
    needs.filter((one) => one.where === where).reduce((total, { gpuHours }) => total + gpuHours, 0);

  const perMolecule = valueOf('rawBytes') + valueOf('standardBytes') + valueOf('featureBytes');
  const kept = rounds * (valueOf('modelBytes') + pool * valueOf('scoreBytes'));
  const objectGigabytes = (pool * perMolecule + kept) / GB;
  const results = rounds * batch;
  const tableBytes = results * valueOf('resultBytes');
  const bigQueryGigabytes = (pool * valueOf('warehouseRowBytes') + tableBytes) / GB;
  const billed = Math.max(MINIMUM_BILLED * valueOf('tablesPerQuery'), tableBytes / 2);
  const bigQueryBytesBilled = rounds * valueOf('queriesPerRound') * billed;
  const months = (rounds * roundDays) / DAYS_A_MONTH;
  const actions = rounds * valueOf('actionsPerRound') + results * valueOf('actionsPerResult');
  const always = scaler('cpu').bounds.prod.min;

  const line = (what: string, quantity: number, price: PriceName): Line => ({
    what,
    quantity,
    unit: prices[price].unit,
    usd: quantity * prices[price].usd,
  });
  const lines = [
    line(`${always} nodes that are always there`, always * months * HOURS_A_MONTH, 'e2-standard-4'),
    line('cluster', months * HOURS_A_MONTH, 'cluster-fee'),
    line('way out (NAT)', months * HOURS_A_MONTH, 'nat'),
    ...(byDataflow ? [line('standardising by Dataflow', standardise, 'dataflow-vcpu')] : []),
    line('spot nodes of featurization', spotNodes * hours, 'e2-standard-8-spot'),
    line('nodes with a GPU', sum('worker'), 'n1-standard-8-t4'),
    line('jobs of Vertex AI', sum('vertex'), 'vertex-n1-standard-8-t4'),
    line('objects', objectGigabytes * months, 'object-month'),
    line('BigQuery, kept', bigQueryGigabytes * months, 'bigquery-month'),
    line('BigQuery, read', bigQueryBytesBilled / 2 ** 40, 'bigquery-scanned'),
    line('Temporal Cloud', months, 'temporal-month'),
    line('Temporal Cloud, actions', actions / 1e6, 'temporal-actions'),
  ];
  return {
    standardiseCpuHours: standardise,
    featuriseCpuHours: featurise,
    featurizationPods: pods,
    spotNodes,
    firstHours: hours,
    rounds: needs,
    objectGigabytes,
    bigQueryGigabytes,
    bigQueryBytesBilled,
    months,
    lines,
    usd: lines.reduce((total, { usd }) => total + usd, 0),
  };
}
