import type { ModelCard } from '../../contracts';

/** Numbers and units as the evidence of a gate writes them. */
export const unitOf = (card: Pick<ModelCard, 'unit'>) => (card.unit ? ` ${card.unit}` : '');
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
export const figure = (value: number) =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'not a number';
export const percent = (share: number) =>
  Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'an unknown share';
