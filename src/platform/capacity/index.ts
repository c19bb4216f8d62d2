export { ASSUMPTIONS, valueOf, type Assumption, type AssumptionName } from './assumptions';
export { forecastRounds, type RoundForecast } from './campaign-forecast';
export { costTable } from './cost-table';
export * from './model';
export { loadPrices, PRICES, type Price, type PriceName, type Prices } from './prices';
export { ratesOf, type Rates } from './rates';
