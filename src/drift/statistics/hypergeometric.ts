let logFactorials = new Float64Array([0, 0]);

/** log n!, from a table that grows by doubling. */
function logFactorial(n: number): number {
  if (n >= logFactorials.length) {
    const grown = new Float64Array(Math.max(2 * logFactorials.length, n + 1));
    grown.set(logFactorials);
    for (let i = logFactorials.length; i < grown.length; i++) grown[i] = grown[i - 1]! + Math.log(i);
    logFactorials = grown;
  }
  return logFactorials[n]!;
}

const logChoose = (n: number, k: number) => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

/**
 * P(K >= k), where K of `marked` rows among `total` are in a random draw of `drawn` (Fisher's exact test, one-sided).
 * @param k between 0 and the smaller of drawn and marked
 */
export function hypergeometricTail(k: number, drawn: number, marked: number, total: number): number {
  const least = Math.max(0, drawn + marked - total);
  const most = Math.min(drawn, marked);
  if (k <= least) return 1;
  const log = (i: number) =>
    logChoose(marked, i) + logChoose(total - marked, drawn - i) - logChoose(total, drawn);
  let sum = 0;
  let term = Math.exp(log(k));
  for (let i = k; i <= most && term > 0; i++) {
    sum += term;
    term *= ((marked - i) * (drawn - i)) / ((i + 1) * (total - marked - drawn + i + 1));
    if (term < sum * 1e-17) break;
  }
  return Math.min(1, sum);
}
