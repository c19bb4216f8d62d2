/** The few calls of the OCI distribution API that `crane` has no command for: blobs with a media type of their own, and their manifest. */
const { createHash } = require('node:crypto');
const { StepFailure } = require('./step.cjs');

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** `host/path` of a reference without tag or digest. A registry on this machine is spoken to without TLS. */
function openRepository(name, token = process.env.TITRATE_REGISTRY_TOKEN) {
  const [host, ...rest] = name.split('/');
  const local = /^(localhost|127\.0\.0\.1)(:|$)/.test(host);
  const base = `${local ? 'http' : 'https'}://${host}/v2/${rest.join('/')}`;
  const headers = token ? { authorization: `Bearer ${token}` } : {};

  async function call(method, url, { body, type, accept } = {}) {
    let response;
    try {
      response = await fetch(url, {
        method,
        body,
        headers: { ...headers, ...(type && { 'content-type': type }), ...(accept && { accept }) },
      });
    } catch (error) {
      throw new StepFailure(`the registry ${host} does not answer: ${error.cause?.message ?? error.message}`);
    }
    if (response.ok || response.status === 404) return response;
    const remedy = response.status === 401 && 'Set TITRATE_REGISTRY_TOKEN: gcloud auth print-access-token';
    throw new StepFailure(
      `${method} ${url}: ${response.status} ${(await response.text()).slice(0, 300)}`,
      remedy,
    );
  }

  async function putBlob(bytes) {
    const digest = digestOf(bytes);
    if ((await call('HEAD', `${base}/blobs/${digest}`)).status !== 404) return digest;
    const started = await call('POST', `${base}/blobs/uploads/`);
    const location = new URL(started.headers.get('location'), base);
    location.searchParams.set('digest', digest);
    await call('PUT', location, { body: bytes, type: 'application/octet-stream' });
    return digest;
  }

  return {
    name,
    /** Layers of a tag, with their bytes; null where there is no such tag. */
    async read(tag) {
      const answer = await call('GET', `${base}/manifests/${tag}`, { accept: MANIFEST });
      if (answer.status === 404) return null;
      const { layers } = await answer.json();
      return Promise.all(
        layers.map(async ({ digest, mediaType, annotations }) => {
          const bytes = Buffer.from(await (await call('GET', `${base}/blobs/${digest}`)).arrayBuffer());
          if (digestOf(bytes) !== digest) throw new StepFailure(`${name}: ${digest} has other bytes`);
          return { bytes, mediaType, annotations: annotations ?? {} };
        }),
      );
    },
    /** @param {{bytes: Buffer, mediaType: string, annotations: Record<string, string>}[]} layers */
    async write(tag, layers) {
      const described = [];
      for (const { bytes, mediaType, annotations } of layers)
        described.push({ mediaType, size: bytes.length, digest: await putBlob(bytes), annotations });
      const config = Buffer.from(
        JSON.stringify({
          architecture: '',
          os: '',
          config: {},
          rootfs: { type: 'layers', diff_ids: described.map(({ digest }) => digest) },
        }),
      );
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: { mediaType: CONFIG, size: config.length, digest: await putBlob(config) },
        layers: described,
      });
      await call('PUT', `${base}/manifests/${tag}`, { body: manifest, type: MANIFEST });
    },
  };
}

module.exports = { openRepository, digestOf };
