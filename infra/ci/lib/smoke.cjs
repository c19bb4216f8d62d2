/** Options that every step with a smoke campaign has. */
const path = require('node:path');
const { root, WrongUse } = require('./step.cjs');

const POOL_OPTIONS = {
  'smoke-pool': {
    type: 'string',
    value: 'FILE',
    default: path.join(root, 'infra/ci/smoke/pool.csv'),
    what: 'molecules and values of the smoke campaign: columns id, smiles, logS',
  },
  'smoke-uri': {
    type: 'string',
    value: 'URI',
    what: 'where the workers read that file; default: it is put into their object store',
  },
  'smoke-within-seconds': { type: 'string', value: 'N', default: '900', what: 'for a smoke campaign' },
};

const poolOf = (values) => ({
  poolFile: values['smoke-pool'],
  poolUri: values['smoke-uri'],
  smokeWithinSeconds: Number(values['smoke-within-seconds']),
});

/** `10,50,100`, each more than the one before it. */
function shares(option, text, least) {
  const list = text.split(',').filter(Boolean).map(Number);
  const bad = list.find((share, i) => !(share >= least && share <= 100) || (i > 0 && share <= list[i - 1]));
  if (bad !== undefined)
    throw new WrongUse(`${option} ${text}: percents from ${least} to 100, each more than the one before it`);
  return list;
}

module.exports = { POOL_OPTIONS, poolOf, shares };
