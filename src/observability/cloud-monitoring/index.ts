export { pushMetrics, type PushOptions } from './push';
export { timeSeriesOf, type PushedBy, type PushedSeries } from './time-series';
