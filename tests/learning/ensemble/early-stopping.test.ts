import * as tf from '@tensorflow/tfjs';
import type { MlpEnsembleSettings } from '../../../src/contracts';
import { selectBackend } from '../../../src/learning/backends/select';
import { EarlyStopping } from '../../../src/learning/ensemble/early-stopping';
import { MINIMUM_TO_STOP_ON } from '../../../src/learning/ensemble/hold-out';
import { standardise } from '../../../src/learning/ensemble/labels';
import { trainMember } from '../../../src/learning/ensemble/train-member';
import { fingerprints, labelled, noisy, truth } from '../synthetic';

beforeAll(() => selectBackend('cpu'));

describe('early stopping', () => {
  it('gives back the weights of the best epoch and ends some epochs after it', () => {
    const stopping = new EarlyStopping(MINIMUM_TO_STOP_ON, 100);
    const errors = [5, 4, 3, 3.5, ...Array<number>(96).fill(3)];
    let epoch = 0;
    let ended = false;
    while (!ended) {
      const parameters = [tf.scalar(++epoch)];
      ended = stopping.after(epoch, errors[epoch - 1]!, parameters);
      tf.dispose(parameters);
    }
    expect(epoch).toBe(3 + 25);
    expect(stopping.epoch).toBe(3);
    expect(stopping.restore([])).toEqual([Float32Array.of(3)]);
  });

  it('of a member that overfits keeps an earlier epoch, the same each time; without enough rows the last', () => {
    const settings: MlpEnsembleSettings = {
      family: 'mlp-ensemble',
      members: 1,
      hidden: [48],
      dropout: 0,
      learningRate: 2e-2,
      weightDecay: 0,
      batchSize: 64,
      epochs: 60,
    };
    const train = (rows: number) => {
      const features = fingerprints(rows, 1, 128);
      const { labels } = standardise(labelled(features, noisy(truth(features), 6, 2)));
      return trainMember({ settings, task: 'regression', features, labels: [labels], seed: 1 }, () => false);
    };
    const [first, second] = [train(400), train(400)];
    expect(first.bestEpoch).toBeLessThan(40);
    expect(second).toEqual(first);
    expect(train(100).bestEpoch).toBe(60);
  });
});
