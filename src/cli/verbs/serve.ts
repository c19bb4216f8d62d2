import type { Command } from 'commander';
import { TitrateError } from '../../contracts';
import { settingsOf, verb, type GlobalOptions } from '../context';
import { withPorts } from '../ports';
import { facts } from '../table';

interface ServeOptions {
  readonly model: string[];
  readonly host?: string;
  readonly port?: string;
  readonly auth?: string;
}

/** What `titrate serve` says once it answers. */
interface Serving {
  readonly address: string;
  readonly models: readonly string[];
}

/** The end of this process's wish to serve: SIGTERM, SIGINT, or the parent's going. */
const asked = () =>
  new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve).once('disconnect', resolve);
  });

function overridesOf({ host, port, auth }: ServeOptions) {
  return {
    inference: {
      ...(host !== undefined && { host }),
      ...(port !== undefined && { port }),
      ...(auth !== undefined && { auth: { mode: auth as 'off' } }),
    },
  };
}

const serve = verb<[], ServeOptions>(async (cli, options) => {
  const settings = settingsOf(options as GlobalOptions, overridesOf(options));
  const ended = asked();
  const { inferenceOptions } = await import('../../platform/inference-options');
  // Options count more than the address of a stack that runs on the same home.
  const { host, port } = { ...settings.inference, ...overridesOf(options).inference };
  const chosen = inferenceOptions({
    ...settings,
    inference: { ...settings.inference, host, port: portOf(port) },
  });
  await withPorts(settings, async (ports) => {
    const { createInferenceServer, namedModels, signedOnly } = await import('../../serving');
    const { openSigner } = await import('../../platform/evidence');
    const { storedModel } = await import('../models/stored-model');
    const { createServingLog } = await import('../../observability/logging');
    const models = [];
    for (const name of options.model) {
      const { version, card, get } = await storedModel(ports, name);
      const follows = /^[^/\\.]+@(.+)$/.exec(name)?.[1];
      models.push({ version, card, get, ...(follows !== undefined && { follows }) });
    }
    const named = namedModels(models, ports.registry);
    const server = createInferenceServer({
      ...named,
      registry: signedOnly(named.registry, openSigner(ports.objects, process.env)),
      ...chosen,
      pointers: ports.pointers,
      chemistry: ports.chemistry(),
      learning: ports.learning(),
      logger: createServingLog(settings.logLevel),
    });
    try {
      const address = await server.start();
      await server.whenReady();
      await checkLoaded(address, models);
      const told: Serving = { address, models: models.map(({ version }) => version.id) };
      cli.result(told, ({ models: ids }) =>
        facts([
          ['serving', ids.join(', ')],
          ['address', address],
          ['ask', `curl -s ${address}/predict -H 'content-type: application/json' -d '{"smiles":["CCO"]}'`],
          ['API', `${address}/openapi.json`],
        ]),
      );
      await ended;
    } finally {
      await server.close();
    }
  });
});

/** @throws TitrateError what kept a model from being loaded: a server that was asked to serve it says so and ends. */
async function checkLoaded(
  address: string,
  models: readonly { readonly version: { readonly id: string } }[],
): Promise<void> {
  for (const campaignId of new Set(models.map(({ version }) => version.id.split('/')[0]!))) {
    const answer = await fetch(`${address}/v2/models/${encodeURIComponent(campaignId)}/ready`);
    if (answer.ok) continue;
    const { failure } = (await answer.json()) as { failure?: { message: string } };
    throw new TitrateError('unavailable', {
      what: `the model cannot be loaded: ${failure?.message ?? `the server answers ${answer.status}`}`,
      where: campaignId,
    });
  }
}

function portOf(port: string | number): number {
  const number = Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  throw new TitrateError('usage', {
    what: `'${port}' is no port`,
    where: '--port',
    remedy: 'Give a number from 0 (any that is free) to 65535',
  });
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** `titrate serve`: the inference server on its own, without Temporal and without a campaign. It runs until it is told to end. */
export function serveVerb(program: Command): void {
  program
    .command('serve')
    .description('answer predictions over HTTP with models that are named, until SIGTERM or Ctrl-C')
    .requiredOption(
      '--model <name>',
      "'solubility-42/v3', 'solubility-42@production' (followed as it moves) or a directory of 'titrate train'; may be given several times",
      collect,
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 for any that is free (default: 8090)')
    .option('--auth <mode>', "'off', 'keys' or 'oidc'; needed to listen on an address that others reach")
    .action(serve);
  program
    .command('api-key')
    .description('make an API key for the inference server; only its hash is to be kept')
    .argument('<name>', 'who will use it')
    .action(
      verb<[string], object>(async (cli, _options, name) => {
        const { newApiKey } = await import('../../serving/access');
        const { key, sha256 } = newApiKey();
        const entry = { name, sha256, scopes: ['predict', 'read'] };
        cli.say('the key is shown once; add the entry to the file of inference.auth.keysFile');
        cli.result({ key, entry }, () =>
          facts([
            ['key', key],
            ['entry', JSON.stringify(entry)],
          ]),
        );
      }),
    );
}
