export { logContext, withLogContext, type LogContext } from './context';
export { createLogger, type Logger, type LogLevel } from './logger';
export { createServingLog } from './serving-log';
