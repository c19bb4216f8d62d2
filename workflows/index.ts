export { activeLearningCampaign } from './active-learning-campaign';
export { exploration } from './exploration';
export { featurization } from './featurization';
export { ingestion } from './ingestion';
export { learningCycle } from './learning-cycle';
export { rollout } from './rollout';
export { tracking } from './tracking';
export { training } from './training';
