/** The part of pino's interface that serving writes to. */
export interface ServingLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLogger: ServingLogger = { debug() {}, info() {}, warn() {}, error() {} };
