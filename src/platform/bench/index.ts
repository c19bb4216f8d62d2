export { compareHistory, LEAST_RECORDS, type FigureComparison } from './compare';
export { appendRecord, historyFile, readHistoryFile, recordBenchmark, type BenchHistory } from './history';
export { makeRecord, optionsOf, type BenchFigure, type BenchFigureInput, type BenchRecord } from './record';
