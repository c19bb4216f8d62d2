import pino from 'pino';
import type { ServingLogger } from '../serving';
import type { Settings } from './settings';

/** The log of an inference server, as lines of JSON on standard error. */
export function createServingLog(level: Settings['logLevel'], name = 'inference'): ServingLogger {
  return pino({ name, level }, pino.destination({ dest: 2, sync: true }));
}
