#!/usr/bin/env node
/**
 * Digests of the images that were pushed, as Terraform's variable `image_digests`:
 *   node infra/ci/image-digests.cjs FOLDER > images.tfvars.json
 * FOLDER has a folder for each image, with the image.json that the step push wrote.
 */
const fs = require('node:fs');
const path = require('node:path');

function main([folder]) {
  if (!folder || !fs.existsSync(folder)) {
    process.stderr.write(
      `image-digests: ${folder ? `${folder} is not there` : 'name the folder'}\nusage: image-digests.cjs FOLDER\n`,
    );
    return 2;
  }
  const files = fs.readdirSync(folder).map((name) => path.join(folder, name, 'image.json'));
  const images = files
    .filter((file) => fs.existsSync(file))
    .map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
  if (images.length === 0) {
    process.stderr.write(`image-digests: no image.json below ${folder}: run the step push first\n`);
    return 1;
  }
  const digests = Object.fromEntries(images.map(({ image, digest }) => [image, digest]));
  process.stdout.write(`${JSON.stringify({ image_digests: digests }, null, 2)}\n`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
