/**
 * A laboratory made of known values, as a program of its own:
 * `node dist/scripts/lab-simulator.js CAMPAIGN --truth FILE[:valueColumn] …`, the same as `titrate results simulate`.
 */
import { main } from '../src/cli/main';

export { planBatch, type LabHabits, type LabPlan } from '../src/cli/lab/plan';
export { runLabSimulator, type LabSimulation, type LabSimulatorOptions } from '../src/cli/lab/simulator';
export { parseTruthOption, readTruth, type Truth, type TruthFile } from '../src/cli/lab/truth';

if (require.main === module) {
  const [node, script, ...args] = process.argv;
  void main([node!, script!, 'results', 'simulate', ...args]);
}
