/**
 * Signatures and attestations as cosign keeps them beside an image, made with a key of this machine: for a pipeline that has neither
 * a KMS nor Sigstore's servers. `cosign verify --key … --insecure-ignore-tlog` takes them.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md, https://github.com/secure-systems-lab/dsse
 */
const { createPrivateKey, createPublicKey, sign, verify } = require('node:crypto');
const fs = require('node:fs');
const { openRepository } = require('./oci.cjs');
const { StepFailure } = require('./step.cjs');

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
const ENVELOPE = 'application/vnd.dsse.envelope.v1+json';
const STATEMENT = 'application/vnd.in-toto+json';

const tagOf = (digest, kind) => `${digest.replace(':', '-')}.${kind}`;
const preAuthentication = (type, payload) =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);

function readKey(file, make) {
  let key;
  try {
    key = make(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StepFailure(
      `${file} is no key: ${error.message}`,
      'openssl ecparam -genkey -name prime256v1 -noout -out key.pem',
    );
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails.namedCurve !== 'prime256v1')
    throw new StepFailure(
      `${file} is no ECDSA key on P-256`,
      'openssl ecparam -genkey -name prime256v1 -noout -out key.pem',
    );
  return key;
}

/** @param {string} repository without tag; @param {{predicateType: string, predicate: object}[]} attestations */
async function signImage({ repository, digest, keyFile, attestations }) {
  const key = readKey(keyFile, createPrivateKey);
  const target = openRepository(repository);
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': repository },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
  const signature = sign('sha256', payload, key).toString('base64');
  await target.write(tagOf(digest, 'sig'), [
    { bytes: payload, mediaType: SIMPLE_SIGNING, annotations: { [SIGNATURE]: signature } },
  ]);
  const subject = [{ name: repository, digest: { sha256: digest.slice('sha256:'.length) } }];
  await target.write(
    tagOf(digest, 'att'),
    attestations.map(({ predicateType, predicate }) => {
      const statement = { _type: 'https://in-toto.io/Statement/v1', predicateType, subject, predicate };
      const body = Buffer.from(JSON.stringify(statement));
      const sig = sign('sha256', preAuthentication(STATEMENT, body), key).toString('base64');
      const envelope = {
        payloadType: STATEMENT,
        payload: body.toString('base64'),
        signatures: [{ keyid: '', sig }],
      };
      return {
        bytes: Buffer.from(JSON.stringify(envelope)),
        mediaType: ENVELOPE,
        annotations: { [SIGNATURE]: '', predicateType },
      };
    }),
  );
}

/**
 * @returns {Promise<string[]>} the predicate types that are attested
 * @throws StepFailure when the image is not signed, or not by this key, or an attestation is not of it
 */
async function verifyImage({ repository, digest, publicKeyFile }) {
  const key = readKey(publicKeyFile, createPublicKey);
  const source = openRepository(repository);
  const refused = (why) =>
    new StepFailure(`${repository}@${digest} ${why}`, 'Only what the pipeline built and signed is deployed');
  const signatures = await source.read(tagOf(digest, 'sig'));
  if (!signatures?.length) throw refused('is not signed');
  const signed = signatures.some(({ bytes, annotations }) => {
    if (!verify('sha256', bytes, key, Buffer.from(annotations[SIGNATURE] ?? '', 'base64'))) return false;
    return JSON.parse(bytes.toString('utf8')).critical?.image?.['docker-manifest-digest'] === digest;
  });
  if (!signed) throw refused('bears no signature of this key for this digest');
  const attested = [];
  for (const { bytes } of (await source.read(tagOf(digest, 'att'))) ?? []) {
    const { payloadType, payload, signatures: seals } = JSON.parse(bytes.toString('utf8'));
    const body = Buffer.from(payload, 'base64');
    const sealed = seals.some(({ sig }) =>
      verify('sha256', preAuthentication(payloadType, body), key, Buffer.from(sig, 'base64')),
    );
    if (!sealed) throw refused('has an attestation that this key did not sign');
    const { predicateType, subject } = JSON.parse(body.toString('utf8'));
    if (!subject.some((one) => `sha256:${one.digest.sha256}` === digest))
      throw refused('has an attestation of something else');
    attested.push(predicateType);
  }
  return attested;
}

module.exports = { signImage, verifyImage };
