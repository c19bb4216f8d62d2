import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { packageRoot } from '../../src/foundation';
import { describeWhere } from './describe-where';
import { startKubelet, type Kubelet } from './kubelet';
import { freePorts } from './free-port';

/** A real Kubernetes control plane on loopback: etcd, API server, controllers. Instead of nodes there is `startKubelet`. */
export interface ControlPlane {
  readonly kubeconfig: string;
  readonly config: KubeConfig;
  readonly kubelet: Kubelet;
  kubectl(args: readonly string[], input?: string): string;
  /** Kills the API server as a crash does. */
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  close(): Promise<void>;
}

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
/** Beside a checkout, or wherever KUBEBUILDER_ASSETS says the three programs are. */
const ARCHIVE = path.resolve(packageRoot, '../shared/tools/kubernetes/assets-linux-amd64.tar.zst');
const UNPACKED = path.join(packageRoot, '.titrate', 'tools', 'kubernetes');
const TOKEN = 'loopback-admin';
const CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'endpointslice-controller',
  'horizontal-pod-autoscaler-controller',
  'disruption-controller',
  'serviceaccount-controller',
  'namespace-controller',
  'garbage-collector-controller',
  'resourcequota-controller',
];

const complete = (folder: string) => PROGRAMS.every((name) => existsSync(path.join(folder, name)));

/** The folder with the programs. @throws Error saying what is missing */
function assets(): string {
  const named = process.env.KUBEBUILDER_ASSETS;
  if (named) {
    if (complete(named)) return named;
    throw new Error(`KUBEBUILDER_ASSETS (${named}) lacks one of ${PROGRAMS.join(', ')}`);
  }
  if (complete(UNPACKED)) return UNPACKED;
  if (!existsSync(ARCHIVE)) throw new Error('no Kubernetes control plane here: set KUBEBUILDER_ASSETS');
  const partial = `${UNPACKED}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const { status, stderr } = spawnSync(
    'bash',
    ['-c', 'zstd -dc "$0" | tar -C "$1" -xf -', ARCHIVE, partial],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the control plane could not be unpacked: ${stderr}`);
  try {
    renameSync(partial, UNPACKED);
  } catch {
    // Another process was first.
    rmSync(partial, { recursive: true, force: true });
  }
  return UNPACKED;
}

/** Why manifests cannot be put together here; null where they can. */
export const kubectlLacks = (): string | null =>
  spawnSync('kubectl', ['version', '--client']).status === 0 ? null : 'no kubectl here';

/** Why there is no control plane here; null where there is one. */
export function kubernetesLacks(): string | null {
  try {
    assets();
  } catch (error) {
    return (error as Error).message;
  }
  return kubectlLacks();
}

/** `describe` for tests on a control plane. */
export const describeWithKubernetes = (name: string, body: () => void): void =>
  describeWhere(kubernetesLacks(), name, body);

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

export async function startControlPlane(): Promise<ControlPlane> {
  const bin = assets();
  const directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-kubernetes-'));
  const at = (name: string) => path.join(directory, name);
  const [api, etcdClient, etcdPeer, manager] = (await freePorts(4)) as [number, number, number, number];
  const children = new Map<string, ChildProcess>();
  const run = (name: (typeof PROGRAMS)[number], args: string[]) => {
    const log = openSync(at(`${name}.log`), 'a');
    children.set(name, spawn(path.join(bin, name), args, { stdio: ['ignore', log, log] }));
  };
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(at('sa.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(at('sa.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(at('tokens.csv'), `${TOKEN},admin,admin,system:masters\n`);
  const kubeconfig = at('kubeconfig');
  const server = `https://127.0.0.1:${api}`;
  const certificate = at('pki/apiserver.crt');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'loopback', cluster: { server, 'certificate-authority': certificate } }],
      users: [{ name: 'admin', user: { token: TOKEN } }],
      contexts: [{ name: 'loopback', context: { cluster: 'loopback', user: 'admin' } }],
      'current-context': 'loopback',
    }),
  );

  const startApiServer = async () => {
    run('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${etcdClient}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${api}`,
      `--cert-dir=${at('pki')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${at('sa.pub')}`,
      `--service-account-signing-key-file=${at('sa.key')}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--endpoint-reconciler-type=none',
    ]);
    for (let tries = 0; ; tries += 1) {
      if (existsSync(certificate)) {
        const ready = spawnSync('kubectl', ['get', '--raw', '/readyz'], {
          env: { ...process.env, KUBECONFIG: kubeconfig },
        });
        if (ready.status === 0) return;
      }
      if (tries === 200 || children.get('kube-apiserver')!.exitCode !== null)
        throw new Error(
          `the API server did not start:\n${readFileSync(at('kube-apiserver.log'), 'utf8').slice(-2000)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };

  run('etcd', [
    `--data-dir=${at('etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=http://127.0.0.1:${etcdClient}`,
    `--advertise-client-urls=http://127.0.0.1:${etcdClient}`,
    `--listen-peer-urls=http://127.0.0.1:${etcdPeer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${etcdPeer}`,
    `--initial-cluster=default=http://127.0.0.1:${etcdPeer}`,
  ]);
  const endAll = async () => {
    await Promise.all([...children.values()].map((child) => end(child, 'SIGKILL')));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await startApiServer();
    run('kube-controller-manager', [
      `--kubeconfig=${kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${manager}`,
      `--cert-dir=${at('pki')}`,
      '--leader-elect=false',
      '--use-service-account-credentials=false',
      `--service-account-private-key-file=${at('sa.key')}`,
      '--horizontal-pod-autoscaler-sync-period=2s',
      `--controllers=${CONTROLLERS.join(',')}`,
    ]);
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const kubelet = await startKubelet(config);
    return {
      kubeconfig,
      config,
      kubelet,
      kubectl(args, input) {
        const { status, stdout, stderr } = spawnSync('kubectl', args, {
          input,
          encoding: 'utf8',
          maxBuffer: 1 << 26,
          env: { ...process.env, KUBECONFIG: kubeconfig },
        });
        if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
        return stdout;
      },
      stopApiServer: () => end(children.get('kube-apiserver'), 'SIGKILL'),
      startApiServer,
      async close() {
        kubelet.close();
        await endAll();
      },
    };
  } catch (error) {
    await endAll();
    throw error;
  }
}
