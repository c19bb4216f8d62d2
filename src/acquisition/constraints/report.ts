import { TitrateError, type RulesReport } from '../../contracts';
import { shown } from './batch-rules';
import type { CompiledRules } from './compile';
import { plateUse } from './plates';

const byCount =
  <T extends { readonly rule: string }>(count: (item: T) => number) =>
  (a: T, b: T) =>
    count(b) - count(a) || (a.rule < b.rule ? -1 : 1);

/**
 * How a batch stands to its rules.
 * @param picks in any order
 * @param notes on what the rules were made from, e.g. list entries that could not be read
 * @throws internal where the batch breaks a rule
 */
export function rulesReport(
  rules: CompiledRules,
  asked: number,
  picks: readonly string[],
  notes: readonly string[] = [],
): RulesReport {
  const { table, constraints, layout, spent, wanted } = rules;
  const draft = rules.begin(asked);
  for (const moleculeId of picks) draft.take(moleculeId);
  const taken = new Set(picks);
  const refused = picks.length < draft.size ? refusedBy(rules, draft, taken) : [];
  const byRule = table.tallies.filter(({ takenOut }) => takenOut > 0).map((tally) => ({ ...tally }));
  const prices = picks.map((moleculeId) => rules.priceOf(moleculeId));
  const { cost } = constraints;
  const report: Omit<RulesReport, 'words'> = {
    candidates: table.candidates,
    admitted: table.admitted,
    byRule,
    asked,
    places: draft.size,
    picked: picks.length,
    refused,
    binding: null,
    ...(cost && {
      cost: {
        batch: shown(prices.reduce<number>((sum, price) => sum + (price ?? 0), 0)),
        before: shown(spent),
        ...(cost.perBatch !== undefined && { perBatch: cost.perBatch }),
        ...(cost.total !== undefined && { total: cost.total }),
        ...(cost.currency !== undefined && { currency: cost.currency }),
        unpriced: prices.filter((price) => price === undefined).length,
      },
    }),
    ...(layout && { plates: plateUse(layout, picks.length) }),
    waiting: wanted.filter((moleculeId) => !taken.has(moleculeId)).length,
    notes,
  };
  const told = { ...report, binding: bindingOf(report) };
  return { ...told, words: wordsOf(told) };
}

/** Admitted molecules that are not in the batch, by the first rule that refuses them. */
function refusedBy(
  { table }: CompiledRules,
  draft: ReturnType<CompiledRules['begin']>,
  taken: ReadonlySet<string>,
): RulesReport['refused'] {
  const counts = new Map<string, number>();
  for (const moleculeId of table.admittedIds()) {
    if (taken.has(moleculeId)) continue;
    const rule = draft.refusal(moleculeId)?.rule;
    if (rule !== undefined) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
  return [...counts]
    .map(([rule, molecules]) => ({ rule, molecules }))
    .sort(byCount(({ molecules }) => molecules));
}

/** Of a batch that is short: what refuses most of the molecules that it could still have; else what alone takes most out. */
function bindingOf({ asked, places, picked, refused, byRule }: Omit<RulesReport, 'words'>): string | null {
  if (picked >= asked) return null;
  if (picked === places) return 'only whole plates are filled';
  if (refused.length) return refused[0]!.rule;
  const alone = byRule.filter((rule) => rule.alone > 0).sort(byCount((rule) => rule.alone));
  return (alone[0] ?? [...byRule].sort(byCount((rule) => rule.takenOut))[0])?.rule ?? null;
}

const molecules = (count: number) => `${count} molecule${count === 1 ? '' : 's'}`;

function wordsOf(report: Omit<RulesReport, 'words'>): string {
  const { candidates, admitted, byRule, asked, places, picked, refused, binding } = report;
  const said = [`${molecules(picked)} picked of ${asked} asked for`];
  if (places < asked) said.push(`there are places for ${places} on whole plates`);
  const out = byRule.map(({ rule, takenOut }) => `${rule} (${takenOut})`).join(', ');
  said.push(
    `${admitted} of ${molecules(candidates)} that could be proposed keep the rules${out ? `; taken out by: ${out}` : ''}`,
  );
  if (refused.length)
    said.push(
      `of those left, the batch has no room for: ${refused.map(({ rule, molecules: n }) => `${n}, by ${rule}`).join('; ')}`,
    );
  if (binding !== null) said.push(`what binds: ${binding}`);
  return [
    ...said,
    ...costWords(report),
    ...plateWords(report),
    ...waitingWords(report),
    ...report.notes,
  ].join('. ');
}

function costWords({ cost }: Pick<RulesReport, 'cost'>): string[] {
  if (!cost) return [];
  const { batch, before, perBatch, total, currency, unpriced } = cost;
  const of = (limit: number | undefined) => (limit === undefined ? '' : ` of ${limit}`);
  const unit = currency ? ` ${currency}` : '';
  return [
    `the batch costs ${batch}${of(perBatch)}${unit}, the campaign so far ${shown(before + batch)}${of(total)}${unit}`,
    ...(unpriced ? [`${molecules(unpriced)} of the batch without a price`] : []),
  ];
}

function plateWords({ plates }: Pick<RulesReport, 'plates'>): string[] {
  if (!plates || plates.plates === 0) return [];
  const { plates: count, wells, controls, empty } = plates;
  return [
    `${count} plate${count === 1 ? '' : 's'} of ${wells} wells with ${controls} control${controls === 1 ? '' : 's'} and ${empty} empty well${empty === 1 ? '' : 's'}`,
  ];
}

const waitingWords = ({ waiting }: Pick<RulesReport, 'waiting'>): string[] =>
  waiting ? [`${molecules(waiting)} to be included had no room and come in a later batch`] : [];

/** Why a batch has no molecule at all. */
export type NothingToPick = 'pool-exhausted' | 'budget';

/**
 * What an empty batch means: that everything was used up, or all the money spent. Both end a campaign in good order.
 * @throws batch-infeasible when the rules never admitted a molecule: somebody has to loosen them
 */
export function whyNothing({ table }: CompiledRules, report: RulesReport): NothingToPick {
  if (report.admitted > 0) return 'budget';
  if (table.candidates === 0 || table.usedUp > 0) return 'pool-exhausted';
  throw new TitrateError('batch-infeasible', {
    what: `no molecule of the pool keeps the rules of a batch: ${report.words}`,
    where: 'acquisition.constraints',
    remedy: `Loosen '${report.binding}' first`,
  });
}
