import { loadRdkit } from '../../src/chemistry/rdkit-module';
import { runTask, type RdkitTask } from '../../src/chemistry/rdkit-tasks';
import { MESSY } from './fixtures/messy';
import { ALL_MOLECULES } from './fixtures/molecules';

const TASKS: RdkitTask[] = [
  {
    kind: 'standardise',
    caps: { maxHeavyAtoms: 300, maxCharacters: 1000 },
    standardisation: { ruleSet: 'standard-2', isotopes: 'keep' },
  },
  { kind: 'scaffold' },
  {
    kind: 'featurise',
    spec: {
      kind: 'concatenation',
      parts: [
        { kind: 'morgan', radius: 2, bits: 1024, counts: 'simulated' },
        { kind: 'atom-pair', bits: 1024, counts: 'none' },
      ],
    },
  },
];
const BROKEN = ['c1ccc', 'C(C)(C)(C)(C)C', 'xyz'];

test('2,000 molecules, good and bad, leave no memory behind', async () => {
  const loaded = await loadRdkit();
  const texts = [
    ...ALL_MOLECULES.filter((text) => text.length < 25),
    ...MESSY.slice(0, 6),
    'CS(=O)C',
    'C[N+](C)=CN',
    ...BROKEN,
  ];
  const round = (count: number) => {
    for (let i = 0; i < count; i++) {
      const input = { notation: 'smiles' as const, text: texts[i % texts.length]! };
      for (const task of TASKS) runTask(loaded, task, input);
    }
  };
  round(4 * texts.length);
  const before = loaded.memoryBytes();
  round(2000);
  // One forgotten delete() costs 10 kB a molecule: 20 MB.
  expect(before).toBeGreaterThan(0);
  expect(loaded.memoryBytes() - before).toBeLessThan(2 << 20);
});
