import fc from 'fast-check';
import { msToNumber } from '@temporalio/common/lib/time';
import {
  DRIFT_ACTIONS,
  DRIFT_CAUSES,
  DRIFT_DETECTORS,
  DRIFT_VERDICTS,
  driftActionRecordSchema,
  driftPolicySchema,
  driftRuleSchema,
  plannedActionSchema,
  type DriftActionRecord,
  type DriftCause,
  type DriftEffect,
} from '../../../src/contracts';
import { DEFAULT_DRIFT_RULES, recordOf, respond } from '../../../src/drift';
import { DAY, defaults, findingOf, lookOf, PLAIN_CAUSES } from './looks';

const actionsOf = (planned: readonly { action: string }[]) => planned.map(({ action }) => action);
const done = (planned: ReturnType<typeof respond>, effect: DriftEffect): DriftActionRecord[] =>
  planned.map((each) => ({ ...recordOf(each, 'done', each.at), effect }));

describe('what is done', () => {
  test.each([
    ['serving-skew', ['roll-back', 'tell']],
    ['unit-error', ['pause', 'tell']],
    ['schema-change', ['pause', 'tell']],
    ['plate-offset', ['control-plate', 'tell']],
    ['lab-offset', ['control-plate', 'tell']],
    ['assay-shift', ['control-plate', 'retrain']],
    ['scaffold-switch', ['widen-pool', 're-explore']],
    ['heavier-molecules', ['widen-pool', 're-explore']],
    ['lighter-molecules', ['widen-pool', 're-explore']],
    ['property-shift', ['widen-pool', 're-explore']],
    ['input-shift', ['widen-pool', 're-explore']],
    ['model-decay', ['retrain']],
    ['noise-up', ['retrain']],
  ] as const)('about %s, and about a creep of it', (cause, actions) => {
    expect(actionsOf(respond(defaults, lookOf('look-1', cause), [], 0))).toEqual(actions);
    const creep = respond(defaults, lookOf('look-1', 'creep', { of: cause }), [], 0);
    expect(actionsOf(creep)).toEqual(actions);
    expect(creep[0]!.cause).toBe(cause);
  });

  test('every cause has an answer, a look without a diagnosis too; of a small change somebody is told at most', () => {
    for (const cause of [...DRIFT_CAUSES, null])
      expect(respond(defaults, lookOf('look-1', cause), [], 0)).not.toEqual([]);
    expect(actionsOf(respond(defaults, lookOf('look-1', null, { verdict: 'watch' }), [], 0))).toEqual([
      'tell',
    ]);
    expect(() => driftRuleSchema.parse({ when: { verdict: 'watch' }, do: ['retrain'] })).toThrow(/too small/);
  });

  test('the plan says why, on what, and what the figures were, and can be kept as it is', () => {
    const look = lookOf('look-1', 'model-decay', {
      findings: [findingOf('ranking', 'act'), findingOf('coverage', 'act'), findingOf('bias', 'watch')],
    });
    const [planned] = respond(defaults, look, [], DAY);
    expect(plannedActionSchema.parse(planned)).toEqual(planned);
    expect(planned).toMatchObject({
      ...{ id: 'look-1/retrain', at: '1970-01-02T00:00:00.000Z', action: 'retrain', rung: 0 },
      sentence: 'Train the model anew. It is model-decay.',
      before: look.figures,
    });
    expect(planned!.evidence.findings.map(({ name }) => name)).toEqual(['coverage', 'ranking']);
    const record = recordOf(planned!, 'waiting', null);
    expect(driftActionRecordSchema.parse(record)).toEqual(record);
  });

  test("a campaign's own rules come first, by cause and by detector; one that does nothing turns the others off", () => {
    const policy = driftPolicySchema.parse({
      policy: [
        { when: { detectors: ['hits'] }, do: ['pause'] },
        { when: { causes: ['model-decay'] }, do: [] },
      ],
      approval: { pause: 'manual' },
    });
    const byHits = { findings: [findingOf('hits', 'act')] };
    expect(respond(policy, lookOf('a', 'model-decay', byHits), [], 0)).toMatchObject([
      { action: 'pause', approval: 'manual' },
    ]);
    expect(respond(policy, lookOf('a', 'model-decay'), [], 0)).toEqual([]);
    expect(actionsOf(respond(policy, lookOf('a', 'noise-up'), [], 0))).toEqual(['retrain']);
    expect(respond({ ...policy, enabled: false }, lookOf('a', 'noise-up'), [], 0)).toEqual([]);
  });
});

describe('when it is done again', () => {
  test('a look is answered once; nothing is done within its cooldown, whatever it is for', () => {
    const first = done(respond(defaults, lookOf('look-1', 'model-decay'), [], 0), 'not-known-yet');
    expect(respond(defaults, lookOf('look-1', 'model-decay'), first, 2 * DAY)).toEqual([]);
    expect(respond(defaults, lookOf('look-2', 'noise-up'), first, DAY - 1)).toEqual([]);
    expect(actionsOf(respond(defaults, lookOf('look-2', 'noise-up'), first, DAY))).toEqual(['retrain']);
  });

  test('each plate has its own controls', () => {
    const first = done(respond(defaults, lookOf('a', 'plate-offset', { subject: 'P1' }), [], 0), 'helped');
    const again = (subject: string) =>
      actionsOf(respond(defaults, lookOf('b', 'plate-offset', { subject }), first, 1));
    expect(again('P1')).toEqual([]);
    expect(again('P2')).toEqual(['control-plate']);
  });

  test('what has not helped is followed by the next step at once, and in the end by telling somebody', () => {
    let history: DriftActionRecord[] = [];
    const seen: string[][] = [];
    for (let look = 0; look < 4; look++) {
      const planned = respond(defaults, lookOf(`look-${look}`, 'model-decay'), history, look);
      seen.push(actionsOf(planned));
      history = [...history, ...done(planned, 'no-change')];
    }
    expect(seen).toEqual([['retrain'], ['re-explore'], ['tell'], []]);
    expect(history[1]!.sentence).toBe(
      "Search the model's settings anew. What was done before has not helped. It is model-decay.",
    );
  });

  test('pausing and telling are steps on the way, and telling goes on at the end', () => {
    const policy = driftPolicySchema.parse({
      policy: [{ when: {}, do: ['retrain'], then: ['pause', 're-explore'], limit: 2 }],
    });
    let history: DriftActionRecord[] = [];
    const seen: string[][] = [];
    for (let look = 0; look < 6; look++) {
      const planned = respond(policy, lookOf(`look-${look}`, 'model-decay'), history, look * DAY);
      seen.push(actionsOf(planned));
      history = [...history, ...done(planned, 'no-change')];
    }
    expect(seen).toEqual([['retrain'], ['pause'], ['re-explore'], ['tell'], ['tell'], []]);
  });

  test('what has helped is done again when it comes again; what was declined was not tried', () => {
    const first = respond(defaults, lookOf('look-1', 'model-decay'), [], 0);
    const again = (history: DriftActionRecord[]) =>
      actionsOf(respond(defaults, lookOf('look-2', 'model-decay'), history, 2 * DAY));
    expect(again(done(first, 'helped'))).toEqual(['retrain']);
    expect(again(first.map((each) => recordOf(each, 'declined', null)))).toEqual(['retrain']);
    expect(again(first.map((each) => recordOf(each, 'failed', null)))).toEqual(['re-explore']);
  });
});

const rule = fc.record({
  when: fc.record(
    {
      causes: fc.uniqueArray(fc.constantFrom(...DRIFT_CAUSES), { minLength: 1, maxLength: 4 }),
      detectors: fc.uniqueArray(fc.constantFrom(...DRIFT_DETECTORS), { minLength: 1, maxLength: 4 }),
    },
    { requiredKeys: [] },
  ),
  do: fc.array(fc.constantFrom(...DRIFT_ACTIONS), { maxLength: 4 }),
  then: fc.array(fc.constantFrom(...DRIFT_ACTIONS), { maxLength: 3 }),
  cooldown: fc.constantFrom('1 hour', '1 day', '3 days'),
  limit: fc.integer({ min: 0, max: 4 }),
});
const policies = fc.array(rule, { maxLength: 4 }).map((policy) => driftPolicySchema.parse({ policy }));
const events = fc.array(
  fc.record({
    cause: fc.constantFrom<(DriftCause | null)[]>(...PLAIN_CAUSES, null),
    creeps: fc.boolean(),
    verdict: fc.constantFrom(...DRIFT_VERDICTS, 'act' as const, 'act' as const),
    subject: fc.constantFrom('P1', 'P2'),
    findings: fc.array(fc.tuple(fc.constantFrom(...DRIFT_DETECTORS), fc.constantFrom(...DRIFT_VERDICTS)), {
      maxLength: 6,
    }),
    after: fc.integer({ min: 1, max: 3 * DAY }),
    effect: fc.constantFrom<DriftEffect[]>('helped', 'no-change', 'worse', 'not-known-yet'),
    state: fc.constantFrom<DriftActionRecord['state'][]>('waiting', 'done', 'declined', 'failed'),
  }),
  { maxLength: 25 },
);
type Event = typeof events extends fc.Arbitrary<(infer E)[]> ? E : never;

const lookAt = (event: Event, i: number) =>
  lookOf(`look-${i}`, event.creeps && event.cause ? 'creep' : event.cause, {
    ...(event.creeps && event.cause && { of: event.cause }),
    ...{ verdict: event.verdict, subject: event.subject },
    findings: event.findings.map(([name, verdict]) => findingOf(name, verdict)),
  });

/** What a policy does over a campaign. */
function play(policy: Parameters<typeof respond>[0], all: readonly Event[]): DriftActionRecord[] {
  let [history, now]: [DriftActionRecord[], number] = [[], 0];
  all.forEach((event, i) => {
    now += event.after;
    const planned = respond(policy, lookAt(event, i), history, now);
    history = [
      ...history,
      ...planned.map((each) => ({ ...recordOf(each, event.state, each.at), effect: event.effect })),
    ];
  });
  return history;
}

describe('property:', () => {
  test('no action comes without a finding of the verdict of its look, and only telling without one to act on', () => {
    fc.assert(
      fc.property(policies, events, (policy, all) => {
        for (const { evidence, action } of play(policy, all)) {
          const event = all[Number(evidence.look.slice('look-'.length))]!;
          expect(evidence.findings.length).toBeGreaterThan(0);
          for (const { name } of evidence.findings)
            expect(event.findings).toContainEqual([name, event.verdict]);
          if (event.verdict !== 'act') expect([event.verdict, action]).toEqual(['watch', 'tell']);
        }
      }),
    );
  });

  test('cooldowns and limits are never broken', () => {
    fc.assert(
      fc.property(rule, events, (only, all) => {
        // One rule for everything, so that its numbers are those that count.
        const policy = driftPolicySchema.parse({ policy: [{ ...only, when: {} }] });
        const history = play(policy, all).filter(({ evidence }) => evidence.verdict === 'act');
        const cooldown = msToNumber(only.cooldown as '1 day');
        for (const action of DRIFT_ACTIONS) {
          const own = history.filter((each) => each.action === action);
          const cases = new Map<string, DriftActionRecord[]>();
          for (const each of own) {
            const key =
              action === 'tell'
                ? `${each.cause} ${each.rung}`
                : action === 'control-plate'
                  ? `${each.subject}`
                  : '';
            cases.set(key, [...(cases.get(key) ?? []), each]);
          }
          if (action !== 'tell') expect(own.length).toBeLessThanOrEqual(only.limit);
          for (const same of cases.values()) {
            expect(same.length).toBeLessThanOrEqual(only.limit);
            same
              .slice(1)
              .forEach(({ at }, i) =>
                expect(Date.parse(at) - Date.parse(same[i]!.at)).toBeGreaterThanOrEqual(cooldown),
              );
          }
        }
      }),
    );
  });

  test('the order of findings and of the history means nothing', () => {
    fc.assert(
      fc.property(policies, events, fc.integer(), (policy, all, turn) => {
        const history = play(policy, all.slice(0, -1));
        const last = all.at(-1);
        if (!last) return;
        const turned = <T>(list: readonly T[]) => {
          const at = list.length ? ((turn % list.length) + list.length) % list.length : 0;
          return [...list.slice(at), ...list.slice(0, at)].reverse();
        };
        const now = 200 * DAY;
        expect(
          respond(
            policy,
            lookAt({ ...last, findings: turned(last.findings) }, all.length),
            turned(history),
            now,
          ),
        ).toEqual(respond(policy, lookAt(last, all.length), history, now));
      }),
    );
  });

  test('escalation comes to an end: however long a drift goes on and whatever becomes of what is done, it stops', () => {
    const effect = fc.constantFrom<DriftEffect[]>('helped', 'no-change', 'worse', 'not-known-yet');
    fc.assert(
      fc.property(
        policies,
        fc.constantFrom<(DriftCause | null)[]>(...PLAIN_CAUSES, null),
        fc.array(effect, { minLength: 1, maxLength: 5 }),
        (policy, cause, effects) => {
          const looks = 150;
          let history: DriftActionRecord[] = [];
          let quiet = 0;
          for (let i = 0; i < looks; i++) {
            const planned = respond(policy, lookOf(`look-${i}`, cause), history, i * 30 * DAY);
            history = [...history, ...done(planned, effects[i % effects.length]!)];
            quiet = planned.length === 0 ? quiet + 1 : 0;
          }
          expect(quiet).toBeGreaterThan(20);
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('the default rules name every cause but creeps, which go by what creeps', () => {
  const named = DEFAULT_DRIFT_RULES.flatMap(({ when }) => when.causes ?? []);
  expect([...named].sort()).toEqual([...PLAIN_CAUSES].sort());
});
