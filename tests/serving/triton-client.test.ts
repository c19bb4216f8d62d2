import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { describeWithPython, pythonOf } from '../support/python';
import { ask, openWorld, type World } from './support/world';

/** What a user of the client writes: nothing in it knows of this server. */
const SCRIPT = `
import json, sys
import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(sys.argv[1].removeprefix('http://'))
model = sys.argv[2]
smiles = ['CCCCCO', 'not a molecule', 'c1ccccc1CO', 'C1CC']
told = {
    'live': client.is_server_live(), 'ready': client.is_server_ready(), 'modelReady': client.is_model_ready(model),
    'server': client.get_server_metadata()['name'], 'platform': client.get_model_metadata(model)['platform'],
}
def ask(binary_in, outputs=None, **options):
    tensor = http.InferInput('smiles', [len(smiles)], 'BYTES')
    tensor.set_data_from_numpy(np.array(smiles, dtype=object), binary_data=binary_in)
    return client.infer(model, [tensor], outputs=outputs, **options)
def figures(array):
    return [None if value is None or np.isnan(value) else float(value) for value in array]

# The client's defaults: bytes in, bytes out.
answer = ask(True, request_id='42')
told['id'] = answer.get_response()['id']
told['version'] = answer.get_response()['model_version']
told['dtype'] = str(answer.as_numpy('mean').dtype)
told['mean'] = figures(answer.as_numpy('mean'))
told['errors'] = [len(text) > 0 for text in answer.as_numpy('error')]
chosen = [http.InferRequestedOutput('interval90_upper', binary_data=True), http.InferRequestedOutput('error', binary_data=False)]
mixed = ask(False, chosen, model_version='1')
told['upper'] = figures(mixed.as_numpy('interval90_upper'))
told['outputs'] = [output['name'] for output in mixed.get_response()['outputs']]
plain = ask(False, [http.InferRequestedOutput('standard_deviation', binary_data=False)])
told['plain'] = [output['data'] for output in plain.get_response()['outputs']][0]
def problem(run):
    try:
        run()
    except InferenceServerException as error:
        return str(error)
told['late'] = problem(lambda: ask(True, timeout=1))
told['compressed'] = problem(lambda: ask(True, request_compression_algorithm='gzip'))
told['unknown'] = problem(lambda: client.infer('nothing', [http.InferInput('smiles', [1], 'BYTES').set_data_from_numpy(np.array(['C'], dtype=object))]))
print(json.dumps(told))
`;

describeWithPython(
  "the Open Inference Protocol's own client",
  () => {
    let world: World;
    let server: InferenceServer;
    let url: string;
    beforeAll(async () => {
      world = await openWorld();
      const { id } = await world.train('solubility-42');
      const by = { operationId: 'a', author: 'ada', reason: 'test' };
      await world.pointers.move('serving/solubility-42', id, by);
      server = createInferenceServer({ ...world, host: '127.0.0.1', port: 0 });
      url = await server.start();
      await server.whenReady();
    });
    afterAll(async () => {
      await server.close();
      await world.close();
    });

    test('works unmodified, with bytes and with JSON', async () => {
      const child = spawn(pythonOf('serving')!, ['-c', SCRIPT, url, 'solubility-42']);
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
      child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
      await once(child, 'close');
      if (child.exitCode !== 0) throw new Error(stderr);
      const smiles = ['CCCCCO', 'not a molecule', 'c1ccccc1CO', 'C1CC'];
      const { predictions } = (await ask(`${url}/predict`, { smiles })).body;
      const of = (read: (one: Record<string, never>) => unknown) =>
        predictions.map((one: Record<string, never>) => ('error' in one ? null : read(one)));
      const told = JSON.parse(stdout) as Record<string, unknown>;
      expect(told).toMatchObject({
        ...{
          live: true,
          ready: true,
          modelReady: true,
          server: 'titrate',
          platform: 'titrate_gaussian-process',
        },
        ...{ id: '42', version: 'v1', dtype: 'float64', errors: [false, true, false, true] },
        mean: of(({ value }) => value),
        upper: of(({ interval90 }) => interval90![1]),
        outputs: ['interval90_upper', 'error'],
        plain: of(({ standardDeviation }) => standardDeviation),
        unknown: expect.stringContaining("there is no model 'nothing' here"),
        late: expect.stringContaining('there was no answer within'),
        compressed: expect.stringContaining('compressed (gzip)'),
      });
    });
  },
  'serving',
);
