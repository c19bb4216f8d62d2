/** Names of workflows, signals, updates and queries. Anything that can speak to Temporal drives a campaign by these. */
export const WORKFLOWS = {
  campaign: 'activeLearningCampaign',
  cycle: 'learningCycle',
  ingestion: 'ingestion',
  featurization: 'featurization',
  exploration: 'exploration',
  training: 'training',
  rollout: 'rollout',
} as const;

export const SIGNALS = { labResults: 'labResults', pause: 'pause', resume: 'resume', stop: 'stop' } as const;
export const UPDATES = { submitResults: 'submitResults', approveBatch: 'approveBatch' } as const;
export const QUERIES = { status: 'status', currentBatch: 'currentBatch', history: 'history' } as const;
