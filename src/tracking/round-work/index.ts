export { addUpActivities, addUpQueues } from './add-up';
export { readHistory, type ActivityExecution, type ExecutionWork, type History } from './executions';
export { readRoundWork, type RoundAsked } from './read';
