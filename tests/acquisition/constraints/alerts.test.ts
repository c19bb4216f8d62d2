import { createChemistry } from '../../../src/chemistry';
import { ALERTS } from '../../../src/acquisition/constraints';
import { ALERT_SETS } from '../../../src/contracts';

const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

/** A molecule for each alert, and one that looks like it and is none. */
const EXAMPLES: Readonly<Record<string, readonly [hit: string, near: string]>> = {
  'acyl halide': ['CC(=O)Cl', 'CC(=O)CCl'],
  'sulfonyl halide': ['CS(=O)(=O)F', 'CS(=O)(=O)CF'],
  'phosphoryl halide': ['CP(=O)(OC)F', 'CP(=O)(OC)O'],
  'acid anhydride': ['CC(=O)OC(C)=O', 'CC(=O)OCC(C)=O'],
  'activated ester': ['CC(=O)ON1C(=O)CCC1=O', 'CC(=O)NN1C(=O)CCC1=O'],
  aldehyde: ['CCC=O', 'CCC(=O)O'],
  'isocyanate or isothiocyanate': ['CN=C=S', 'CNC(N)=S'],
  carbodiimide: ['CCN=C=NCC', 'CCN=CNCC'],
  thiocyanate: ['CSC#N', 'CCC#N'],
  'epoxide, aziridine or thiirane': ['CC1CO1', 'C1CCO1'],
  'beta-lactone': ['O=C1CCO1', 'O=C1CCCO1'],
  'alkyl chloride, bromide or iodide': ['CCBr', 'FC(F)(F)c1ccccc1Br'],
  'alkyl sulfonate': ['CS(=O)(=O)OCC', 'CS(=O)(=O)NCC'],
  'Michael acceptor, carbonyl': ['C=CC(=O)NC', 'CC(=O)NC'],
  'Michael acceptor, nitrile': ['CC=C(C)C#N', 'N#Cc1ccccc1'],
  'Michael acceptor, nitro or sulfonyl': ['C=CS(=O)(=O)C', 'CCS(=O)(=O)C'],
  'alkynyl carbonyl': ['CC#CC(=O)C', 'CC#CCC(=O)C'],
  peroxide: ['COOC', 'COCOC'],
  azide: ['CN=[N+]=[N-]', 'CNNN'],
  'diazo compound': ['CC(=[N+]=[N-])C', 'CC(=NN)C'],
  'diazonium salt': ['c1ccccc1[N+]#N', 'c1ccccc1N'],
  'halogen on nitrogen': ['CN(Cl)C', 'CNCCl'],
  'halogen on oxygen or sulfur': ['CSCl', 'CSCCl'],
  'nitrate or nitrite ester': ['CO[N+](=O)[O-]', 'CC[N+](=O)[O-]'],
  disulfide: ['CSSC', 'CSCSC'],
  thiol: ['CCS', 'CSC'],
  'carbon bound to a metal': ['C[Sn](C)(C)C', 'C[Si](C)(C)C'],
  'para-quinone': ['O=C1C=CC(=O)C=C1', 'O=C1CCC(=O)CC1'],
  'ortho-quinone': ['O=C1C(=O)C=CC=C1', 'O=C1C(=O)CCCC1'],
  catechol: ['Oc1ccccc1O', 'Oc1cccc(O)c1'],
  'alkylidene rhodanine or thiazolidinedione': ['O=C1NC(=S)SC1=Cc1ccccc1', 'O=C1NC(=O)SC1Cc1ccccc1'],
  'azo compound': ['c1ccccc1N=Nc1ccccc1', 'c1ccccc1NNc1ccccc1'],
  'nitroso compound': ['CC(C)(C)N=O', 'CC(C)(C)NO'],
  'phenol hydrazone': ['Oc1ccccc1C=NNC(C)=O', 'c1ccccc1C=NNC(C)=O'],
  'phenol Mannich base': ['Oc1ccccc1CN(C)C', 'Oc1ccccc1CNC(C)=O'],
  isothiazolone: ['O=c1ccsn1C', 'O=c1ccn(C)n1C'],
};

test('every alert is SMARTS, finds its example, and leaves alone what only looks like it', async () => {
  const alerts = ALERT_SETS.flatMap((set) => ALERTS[set].alerts);
  const patterns = alerts.map(({ smarts }) => smarts);
  expect(await chemistry.patternProblems(patterns)).toEqual(patterns.map(() => null));
  expect(Object.keys(EXAMPLES).sort()).toEqual(alerts.map(({ name }) => name).sort());
  const spec = { properties: [], patterns, scaffold: false, fingerprint: false };
  const found = await chemistry.screen(
    alerts.flatMap(({ name }) => EXAMPLES[name]!),
    spec,
  );
  const verdicts = alerts.map(({ name }, i) => {
    const has = (outcome: (typeof found)[number]) => outcome.ok && outcome.matches.includes(i);
    return [name, has(found[2 * i]!), has(found[2 * i + 1]!)];
  });
  expect(verdicts).toEqual(alerts.map(({ name }) => [name, true, false]));
});

test('common drugs have none', async () => {
  const patterns = ALERT_SETS.flatMap((set) => ALERTS[set].alerts).map(({ smarts }) => smarts);
  const drugs = [
    'CC(=O)Oc1ccccc1C(=O)O',
    'Cn1cnc2c1c(=O)n(C)c(=O)n2C',
    'CC(C)Cc1ccc(cc1)C(C)C(=O)O',
    'CN1CCC(CC1)=C1c2ccccc2CCc2cccnc21',
    'COc1ccc2[nH]c(nc2c1)S(=O)Cc1ncc(C)c(OC)c1C',
    'CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1',
  ];
  const outcomes = await chemistry.screen(drugs, {
    properties: [],
    patterns,
    scaffold: false,
    fingerprint: false,
  });
  expect(outcomes).toEqual(drugs.map(() => ({ ok: true, properties: [], matches: [] })));
});
