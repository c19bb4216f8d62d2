import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asTitrateError } from '../../src/contracts';
import { createFileObjectStore } from '../../src/objects';
import { createOnce } from '../../src/training/once';

/** What becomes of one request: answered, carried out without an answer, or late, or lost on the way; refused; or its sender dies. */
const FATES = ['answered', 'unanswered', 'late', 'lost', 'refused', 'dies before', 'dies after'] as const;
type Fate = (typeof FATES)[number];
class Died extends Error {}
class Ambiguous extends Error {}

/** A service that makes another thing of every request that reaches it. */
class Service {
  readonly made: { claim: number; lives: boolean }[] = [];
  constructor(private readonly fates: Fate[]) {}

  async create(claim: number) {
    const fate = this.fates.shift() ?? 'answered';
    const make = () => {
      const thing = { claim, lives: true };
      this.made.push(thing);
      return thing;
    };
    if (fate === 'dies before') throw new Died();
    if (fate === 'refused') throw new Error('quota');
    if (fate === 'lost') throw new Ambiguous('lost');
    if (fate === 'late') {
      setTimeout(make, LATE_MS);
      throw new Ambiguous('late');
    }
    const thing = make();
    if (fate === 'dies after') throw new Died();
    if (fate === 'unanswered') throw new Ambiguous('unanswered');
    return thing;
  }
}

/** A request lives so long, and is waited for so long. */
const LATE_MS = 20;
const PATIENCE_SECONDS = 0.25;

test('whatever becomes of the requests of three processes, there is one thing in the end', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-once-'));
  const objects = createFileObjectStore(directory);
  let runs = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...FATES), { maxLength: 4 }), async (fates) => {
        const service = new Service([...fates]);
        const records = `things/${++runs}`;
        const process = async (): Promise<unknown> => {
          for (;;) {
            try {
              return await createOnce({
                objects,
                records,
                where: 'a thing',
                patienceSeconds: PATIENCE_SECONDS,
                look: async () => ({
                  found: service.made.find(({ lives }) => lives) ?? null,
                  made: new Map(service.made.map((thing) => [thing.claim, thing])),
                }),
                create: (claim) => service.create(claim),
                // One that died says nothing to its log, and is followed by another one.
                isAmbiguous: (error) => {
                  if (error instanceof Died) throw error;
                  return error instanceof Ambiguous;
                },
                explain: asTitrateError,
              });
            } catch {
              await sleep(1);
            }
          }
        };
        const seen = await Promise.all([process(), process(), process()]);
        await sleep(LATE_MS);
        expect(service.made).toHaveLength(1);
        for (const thing of seen) expect(thing).toBe(service.made[0]);
      }),
      { numRuns: 25 },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
