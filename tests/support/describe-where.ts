/**
 * `describe` for tests that need what not every machine has. Where it lacks they are skipped and say so in one line; with
 * TITRATE_SKIP_NOTHING (CI sets it) they run, and fail.
 * @param lacks what is not there; null when nothing lacks
 */
export function describeWhere(lacks: string | null, name: string, body: () => void): void {
  if (lacks === null || process.env.TITRATE_SKIP_NOTHING) return void describe(name, body);
  process.stderr.write(`skipped: ${name}: ${lacks}\n`);
  describe.skip(name, body);
}
