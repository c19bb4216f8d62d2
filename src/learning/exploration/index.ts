export * from './downscale';
export * from './propose-trials';
export * from './run-trial';
