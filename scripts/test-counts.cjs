#!/usr/bin/env node
/** Prints `N passed, N failed` from jest's JSON report; a suite that could not run counts as one failure. */
const fs = require('node:fs');

/**
 * @param {string} text jest's --json output, or '' when jest never ran.
 * @returns {string} `N passed, N failed`
 */
function countLine(text) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return '0 passed, 1 failed';
  }
  const brokenSuites = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  return `${report.numPassedTests} passed, ${report.numFailedTests + brokenSuites.length} failed`;
}

module.exports = { countLine };
if (require.main === module) {
  const [file] = process.argv.slice(2);
  process.stdout.write(`${countLine(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '')}\n`);
}
