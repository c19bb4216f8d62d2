export { openCluster, type Cluster, type ClusterConnection } from './cluster';
export {
  createKubernetesDeployer,
  type KubernetesDeployer,
  type KubernetesDeployerOptions,
} from './kubernetes-deployer';
export type { GatewayOptions, InferenceOptions } from './options';
