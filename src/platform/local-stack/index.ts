export { settingsEnvironment } from './environment';
export { freePorts, isPortFree } from './ports';
export { isAlive } from './processes';
export { runningStack, type StackAnnouncement } from './run-directory';
export {
  startLocalStack,
  STACK_ENTRIES,
  type LocalStack,
  type LocalStackOptions,
  type MetricsPlace,
  type StackEntry,
  type StackEvents,
  type StackProcess,
} from './stack';
export { findTemporalCli, type TemporalCli } from './temporal-cli';
