import { existsSync } from 'node:fs';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asTitrateError, moleculeCapsSchema, standardisationSchema } from '../contracts';
import type { BackendReport } from '../learning/backends';
import { findTemporalCli, isPortFree, runningStack, STACK_ENTRIES } from '../platform/local-stack';
import { homePaths, type Settings } from '../platform/settings';
import { formatNumber } from './table';

export type Verdict = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly found: string;
  /** How to mend it; left out when all is well. */
  readonly remedy?: string;
}

export interface Check {
  readonly name: string;
  run(settings: Settings): Promise<Omit<Finding, 'check'>>;
}

const ok = (found: string) => ({ verdict: 'ok' as const, found });
const warn = (found: string, remedy: string) => ({ verdict: 'warn' as const, found, remedy });
const fail = (found: string, remedy: string) => ({ verdict: 'fail' as const, found, remedy });

const OLDEST_NODE = [20, 20] as const;
/** The native TensorFlow.js packages fail on later ones (measured on 24). */
const NEWEST_NATIVE_NODE = 22;

/** @param version of Node, such as 20.20.0 */
export function nodeFinding(version: string): Omit<Finding, 'check'> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const found = `Node ${version}`;
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    return fail(found, `Install Node ${OLDEST_NODE.join('.')} or newer`);
  }
  return major > NEWEST_NATIVE_NODE
    ? warn(found, 'Works, without the native TensorFlow.js backend: use Node 20 or 22 for faster training')
    : ok(found);
}

const node: Check = { name: 'Node', run: async () => nodeFinding(process.versions.node) };

const build: Check = {
  name: 'build',
  async run() {
    const missing = STACK_ENTRIES.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
    return missing.length
      ? fail(`not built: ${missing.join(', ')}`, 'Run: npm run build')
      : ok(`${STACK_ENTRIES.length} programs`);
  },
};

const temporalCli: Check = {
  name: 'Temporal CLI',
  async run() {
    try {
      const { path: file, version, from } = findTemporalCli();
      return ok(`${version}, from ${from} (${file})`);
    } catch (error) {
      return fail((error as Error).message, 'Run: npm run setup');
    }
  },
};

const home: Check = {
  name: 'home directory',
  async run(settings) {
    const probe = path.join(settings.home, `.doctor-${process.pid}`);
    try {
      await mkdir(settings.home, { recursive: true });
      await writeFile(probe, 'x', { flush: true });
      await rm(probe);
      return ok(settings.home);
    } catch (error) {
      return fail(
        `${settings.home} cannot be written: ${(error as Error).message}`,
        'Mend its permissions, or choose another one with --home',
      );
    }
  },
};

const GIB = 2 ** 30;
const LOW_DISK_GIB = 5;
const NO_DISK_GIB = 0.5;

const disk: Check = {
  name: 'disk space',
  async run(settings) {
    let at = settings.home;
    while (!existsSync(at)) at = path.dirname(at);
    const { bavail, bsize } = await statfs(at);
    const free = (bavail * bsize) / GIB;
    const found = `${formatNumber(free)} GiB free`;
    const remedy = 'Free some space, or choose another directory with --home';
    if (free < NO_DISK_GIB) return fail(found, remedy);
    return free < LOW_DISK_GIB ? warn(found, remedy) : ok(found);
  },
};

/** Aspirin's Morgan fingerprint, radius 2, 2048 bits, as Python's RDKit 2026.9.1 gives it. */
const ASPIRIN = 'CC(=O)Oc1ccccc1C(=O)O';
const ASPIRIN_BITS = [
  389, 456, 650, 695, 807, 909, 1017, 1035, 1047, 1057, 1088, 1199, 1380, 1410, 1447, 1468, 1616, 1729, 1750,
  1775, 1873, 1917, 1970, 1991,
];

function bitsOf(data: Uint8Array | Float32Array): number[] {
  return [...data].flatMap((byte, i) =>
    Array.from({ length: 8 }, (_, bit) => bit).flatMap((bit) => ((byte >> bit) & 1 ? [i * 8 + bit] : [])),
  );
}

const chemistry: Check = {
  name: 'RDKit',
  async run() {
    const remedy = 'Install the dependencies again: npm ci';
    const { createChemistry } = await import('../chemistry');
    const rdkit = createChemistry({ threads: 1 });
    try {
      const [outcome] = await rdkit.standardise(
        [{ notation: 'smiles', text: ASPIRIN }],
        moleculeCapsSchema.parse({}),
        standardisationSchema.parse({}),
      );
      if (!outcome?.ok) return fail(`aspirin cannot be read: ${outcome?.message}`, remedy);
      const { data } = await rdkit.featurise([outcome.molecule], {
        kind: 'morgan',
        radius: 2,
        bits: 2048,
        counts: 'none',
      });
      const version = await rdkit.version();
      if (bitsOf(data as Uint8Array).join() !== ASPIRIN_BITS.join())
        return fail(`RDKit ${version} gives aspirin another fingerprint than the reference`, remedy);
      return ok(`${version}; a fingerprint agrees with the reference`);
    } catch (error) {
      return fail(`does not work: ${(error as Error).message}`, remedy);
    } finally {
      await rdkit.close();
    }
  },
};

const backend: Check = {
  name: 'TensorFlow.js',
  async run(settings) {
    try {
      // Loaded only here: TensorFlow.js costs a quarter of a second.
      const { selectBackend } = (await import('../learning/backends/select')) as {
        selectBackend(choice: string): Promise<BackendReport>;
      };
      const report = await selectBackend(settings.learning.backend);
      const passedOver = report.skipped.map(({ backend, reason }) => `${backend}: ${reason}`).join('; ');
      const found = `${report.backend}, ${report.backendVersion}, ${report.cpu}${passedOver ? `; not ${passedOver}` : ''}`;
      if (report.backend === 'cpu')
        return warn(found, 'Training networks will be slow: install the dependencies again (npm ci)');
      return ok(found);
    } catch (error) {
      return fail(
        (error as Error).message,
        'Run: npm ci, or choose another backend with TITRATE_LEARNING_BACKEND',
      );
    }
  },
};

const duckdb: Check = {
  name: 'DuckDB',
  async run() {
    try {
      const { DuckDBInstance } = await import('@duckdb/node-api');
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      const reader = await connection.runAndReadAll(
        'select version() as version, sum(range) as total from range(5)',
      );
      const [row] = reader.getRowObjectsJson();
      connection.closeSync();
      return String(row?.total) === '10'
        ? ok(String(row?.version))
        : fail('computes wrongly', 'Install the dependencies again: npm ci');
    } catch (error) {
      return fail(`does not open: ${(error as Error).message}`, 'Install the dependencies again: npm ci');
    }
  },
};

const ports: Check = {
  name: 'ports',
  async run(settings) {
    const running = runningStack(homePaths(settings).run);
    const { temporal, inference } = settings;
    const list = [
      { port: temporal.port, host: temporal.host, option: '--temporal-port' },
      { port: temporal.uiPort, host: temporal.host, option: '--ui-port' },
      { port: inference.port, host: inference.host, option: '--inference-port' },
    ];
    const found = list.map(({ port }) => port).join(', ');
    if (running) return ok(`${found}, in use by the stack that runs here (process ${running.pid})`);
    const free = await Promise.all(list.map(({ host, port }) => isPortFree(host, port)));
    const taken = list.filter((_, i) => !free[i]);
    if (taken.length === 0) return ok(`${found} are free`);
    return warn(
      `taken by another program: ${taken.map(({ port }) => port).join(', ')}`,
      `If that is no stack of yours, start with ${taken.map(({ option }) => `${option} N`).join(' ')} or --free-ports`,
    );
  },
};

const training: Check = {
  name: 'training',
  async run(settings) {
    const { engine, machineType, acceleratorCount, acceleratorType, vertexFromLabels } = settings.training;
    if (engine === 'local') return ok('on this machine');
    // Loaded only here: the client library of Vertex AI costs a second.
    const { checkVertex } = await import('../platform/training');
    const gpus = acceleratorCount > 0 ? ` with ${acceleratorCount} ${acceleratorType}` : '';
    const found = `Vertex AI, ${settings.google.region}, ${machineType}${gpus}, from ${vertexFromLabels} labels`;
    try {
      await checkVertex(settings);
      return ok(found);
    } catch (error) {
      const { parts } = asTitrateError(error);
      return fail(`${found}: ${parts.what}`, parts.remedy ?? 'Look at the training settings');
    }
  },
};

const tracking: Check = {
  name: 'tracking',
  run({ tracking: { engine, entity, project, endpoint } }) {
    if (engine === 'local') return Promise.resolve(ok('records of the object store'));
    const place = `${endpoint}/${entity}/${project}`;
    return Promise.resolve(
      process.env.WANDB_API_KEY
        ? ok(`${place}, with a key`)
        : fail(
            `${place}, without a key`,
            'Set WANDB_API_KEY for the deploy worker; what is to be tracked waits in the spool until then',
          ),
    );
  },
};

/** What can be looked at without any server. */
export const LOCAL_CHECKS: readonly Check[] = [
  node,
  build,
  temporalCli,
  home,
  disk,
  chemistry,
  backend,
  duckdb,
  training,
  tracking,
  ports,
];

/** What of this machine matters where Google Cloud does the work: `titrate doctor --profile gcp`. */
export const MACHINE_CHECKS: readonly Check[] = [node, home, disk, chemistry, backend, training];
