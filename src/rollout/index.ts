export * from './deployer';
export * from './gates';
export { createCardSigner, type CardSigner } from './signing';
export { judgeTrial, type TrialEvidence } from './trial-verdicts';
export { createLocalDeployer, type LocalDeployerOptions } from './local-deployer';
export {
  formatTrial,
  observedPointer,
  parseTrial,
  servingPointer,
  trialPointer,
  type TrialTarget,
} from './pointer-names';
export { CANDIDATE, createProduction, PRODUCTION, type Production, type ProductionPorts } from './production';
export * from './evidence';
