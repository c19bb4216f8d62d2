import { createLogger, type Logger, type LogLevel } from './logger';

/** The log of an inference server, as lines of JSON on standard error. */
export const createServingLog = (level: LogLevel, name = 'inference'): Logger => createLogger(level, name);
