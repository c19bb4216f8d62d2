/** Step `sign`: signs the image's digest, and attests its list of packages and its provenance. With --verify it checks all three. */
const { defineStep, StepFailure, WrongUse } = require('../lib/step.cjs');
const { signImage, verifyImage } = require('../lib/signature.cjs');

const CYCLONEDX = 'https://cyclonedx.org/bom';
const PROVENANCE = 'https://slsa.dev/provenance/v1';

/** Without a key cosign asks the pipeline's own identity for a certificate (Sigstore); `--key gcpkms://…` signs in a KMS. */
function byCosign({ run, folder, reference, key }) {
  const how = ['--yes', ...(key ? ['--key', key] : [])];
  const remedy = 'https://docs.sigstore.dev: install cosign 2; or --engine key with --key FILE';
  run('cosign', ['sign', ...how, reference], { remedy });
  run(
    'cosign',
    ['attest', ...how, '--type', 'cyclonedx', '--predicate', folder.at('sbom.cdx.json'), reference],
    { remedy },
  );
  run(
    'cosign',
    ['attest', ...how, '--type', 'slsaprovenance1', '--predicate', folder.at('provenance.json'), reference],
    { remedy },
  );
}

/** @returns predicate types that are attested */
function verifyByCosign({ run, reference, values }) {
  const { key, identity, issuer } = values;
  if (!key && !(identity && issuer))
    throw new WrongUse('--engine cosign --verify needs --key, or --identity and --issuer');
  const by = key
    ? ['--key', key]
    : ['--certificate-identity-regexp', identity, '--certificate-oidc-issuer', issuer];
  const remedy = 'Only what the pipeline built and signed is deployed';
  run('cosign', ['verify', ...by, reference], { remedy });
  run('cosign', ['verify-attestation', ...by, '--type', 'cyclonedx', reference], { remedy });
  run('cosign', ['verify-attestation', ...by, '--type', 'slsaprovenance1', reference], { remedy });
  return [CYCLONEDX, PROVENANCE];
}

defineStep(module, {
  name: 'sign',
  what: 'signs the image and attests what it is made of; --verify checks it',
  options: {
    engine: {
      type: 'string',
      value: 'cosign|key',
      default: 'cosign',
      what: 'cosign: keyless, or by a KMS. key: by a key file of this machine',
    },
    key: { type: 'string', value: 'FILE|gcpkms://…', what: 'what signs; with --verify the public key' },
    verify: { type: 'boolean', what: 'check the signature and both attestations' },
    identity: { type: 'string', value: 'REGEXP', what: 'with --verify, keyless: whose certificate' },
    issuer: { type: 'string', value: 'URL', what: 'with --verify, keyless: who said so' },
  },
  async run({ values, run, folder, dryRun }) {
    const { engine, key } = values;
    if (!['cosign', 'key'].includes(engine)) throw new WrongUse(`--engine '${engine}': cosign or key`);
    if (engine === 'key' && !key) throw new WrongUse('--engine key needs --key FILE');
    const { repository, digest, reference } = folder.read('image.json', 'push');
    if (values.verify) {
      const attested =
        engine === 'key'
          ? await verifyImage({ repository, digest, publicKeyFile: key })
          : verifyByCosign({ run, reference, values });
      const missing = [CYCLONEDX, PROVENANCE].filter((type) => !attested.includes(type));
      if (missing.length)
        throw new StepFailure(
          `${reference} lacks the attestation ${missing.join(', ')}`,
          'Run the step sign',
        );
      return { verified: reference, attested };
    }
    const sbom = folder.read('sbom.cdx.json', 'sbom');
    const provenance = folder.read('provenance.json', 'provenance');
    if (engine === 'cosign') byCosign({ run, folder, reference, key });
    else if (!dryRun) {
      const attestations = [
        { predicateType: CYCLONEDX, predicate: sbom },
        { predicateType: PROVENANCE, predicate: provenance },
      ];
      await signImage({ repository, digest, keyFile: key, attestations });
    }
    return { signed: reference, engine };
  },
});
