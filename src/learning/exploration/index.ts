export * from './downscale';
export * from './learning-curve';
export * from './propose-trials';
export * from './run-trial';
export * from './tuning-report';
export * from './warm-start';
