export * from './deployer';
export { judgeGates, type GateLimits, type GateRequest } from './gates';
export { createLocalDeployer, type LocalDeployerOptions } from './local-deployer';
export { observedPointer, servingPointer } from './pointer-names';
export { CANDIDATE, createProduction, PRODUCTION, type Production, type ProductionPorts } from './production';
