/** Step `scan`: known weaknesses of the packages (npm audit) and of the image (trivy). A scan that was not made is no pass. */
const fs = require('node:fs');
const path = require('node:path');
const { defineStep, root, StepFailure, WrongUse } = require('../lib/step.cjs');

const SEVERITIES = ['low', 'moderate', 'high', 'critical'];
/** Those that somebody has looked at: what, why it does no harm here, and until when that holds. */
const ACCEPTED = path.join(root, 'infra/ci/accepted-advisories.json');

/** @throws StepFailure for one without a reason, or whose time is over */
function accepted(file, today) {
  const list = JSON.parse(fs.readFileSync(file, 'utf8'));
  for (const { advisory, reason, until } of list) {
    if (!advisory || !reason || !/^\d{4}-\d{2}-\d{2}$/.test(until ?? ''))
      throw new StepFailure(`${file}: each entry has advisory, reason and until (YYYY-MM-DD)`);
    if (until < today)
      throw new StepFailure(`${file}: ${advisory} was accepted until ${until}`, 'Look at it again');
  }
  return new Set(list.map(({ advisory }) => advisory));
}

/** Advisories at or above a severity, by the registry that npm is set to. */
function auditPackages(run, level, known) {
  const { stdout } = run('npm', ['audit', '--omit=dev', '--json'], { always: true, accept: [0, 1] });
  const report = JSON.parse(stdout);
  if (!report.vulnerabilities)
    throw new StepFailure(
      `npm audit could not be made: ${report.message ?? report.error?.summary ?? 'no answer'}`,
      'The registry must answer /-/npm/v1/security/advisories/bulk; a scan that was not made is no pass',
    );
  const found = Object.values(report.vulnerabilities).flatMap(({ via }) =>
    via
      .filter(
        (one) => typeof one === 'object' && SEVERITIES.indexOf(one.severity) >= SEVERITIES.indexOf(level),
      )
      .map(({ url, title, severity, name, range }) => ({
        advisory: url.split('/').at(-1),
        title,
        severity,
        name,
        range,
      })),
  );
  return found.filter(({ advisory }) => !known.has(advisory));
}

function scanImage(run, file, level) {
  const severities = SEVERITIES.slice(SEVERITIES.indexOf(level))
    .map((one) => one.toUpperCase())
    .join(',')
    .replace('MODERATE', 'MEDIUM');
  const { stdout } = run(
    'trivy',
    ['image', '--input', file, '--severity', severities, '--ignore-unfixed', '--format', 'json', '--quiet'],
    {
      remedy: 'https://trivy.dev, or --packages-only, which is said in what comes out',
    },
  );
  const { Results: results = [] } = JSON.parse(stdout || '{}');
  return results.flatMap(({ Vulnerabilities: found = [] }) =>
    found.map(({ VulnerabilityID, Title, Severity, PkgName, InstalledVersion }) => ({
      advisory: VulnerabilityID,
      title: Title,
      severity: Severity.toLowerCase(),
      name: PkgName,
      range: InstalledVersion,
    })),
  );
}

defineStep(module, {
  name: 'scan',
  what: 'refuses packages and images with known weaknesses',
  options: {
    level: {
      type: 'string',
      value: SEVERITIES.join('|'),
      default: 'high',
      what: 'the least severe that counts',
    },
    'packages-only': { type: 'boolean', what: 'do not scan the image' },
    accepted: { type: 'string', value: 'FILE', default: ACCEPTED, what: 'advisories that were looked at' },
  },
  async run({ values, run, folder, say }) {
    const { level } = values;
    if (!SEVERITIES.includes(level)) throw new WrongUse(`--level '${level}': ${SEVERITIES.join(', ')}`);
    const known = accepted(values.accepted, new Date().toISOString().slice(0, 10));
    const found = auditPackages(run, level, known);
    const image = values['packages-only']
      ? null
      : scanImage(run, folder.read('build.json', 'build-image').file, level);
    if (!image) say('the image itself was not scanned (--packages-only)');
    const all = [...found, ...(image ?? []).filter(({ advisory }) => !known.has(advisory))];
    folder.write('scan.json', { level, packages: found, image, accepted: [...known] });
    if (all.length === 0) return { found: 0, level, image: image !== null };
    throw new StepFailure(
      all
        .map(({ advisory, severity, name, title }) => `${name}: ${advisory} (${severity}): ${title}`)
        .join('; '),
      `Update the package; or, if it does no harm here, say why and until when in ${path.relative(root, ACCEPTED)}`,
    );
  },
});
