/**
 * Whether a trace is kept: by its id, so that all processes decide alike (OpenTelemetry's TraceIdRatioBased looks at an id in the same
 * spirit; its own spec lets implementations differ, and here all are of one kind).
 * @param share 0 to 1
 */
export function isKept(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  return parseInt(traceId.slice(0, 8), 16) < share * 2 ** 32;
}
