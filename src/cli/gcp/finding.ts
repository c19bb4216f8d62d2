import type { Finding } from '../doctor-checks';

/** The three findings of one check. */
export const findings = (check: string) => ({
  ok: (found: string): Finding => ({ check, verdict: 'ok', found }),
  warn: (found: string, remedy: string): Finding => ({ check, verdict: 'warn', found, remedy }),
  fail: (found: string, remedy: string): Finding => ({ check, verdict: 'fail', found, remedy }),
});
