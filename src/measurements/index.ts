export { aggregateValues, dateOfAggregate, meanAndSpread, type MeasuredValue } from './aggregate';
export { readDate, type DateReading } from './dates';
export { parseMeasurement, type Measurement } from './parse-measurement';
export {
  assertUnits,
  readMeasurement,
  type MeasurementCells,
  type MeasurementFields,
  type MeasurementReading,
} from './read-measurement';
export { conversionProblem, convert, sameUnit, type Converted, type Quantity } from './units';
