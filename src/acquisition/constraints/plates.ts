import { PLATES, TitrateError, type Plates } from '../../contracts';

/** Where a pick goes. */
export interface PlatePlace {
  /** 1 for the first plate of the batch. */
  readonly plate: number;
  readonly well: string;
}

/** How many plates a batch takes, and the wells that stay empty on the last one. */
export interface PlateUse {
  readonly plates: number;
  readonly wells: number;
  readonly controls: number;
  readonly empty: number;
}

/** The layout of a plate: wells for picks in the order in which they are filled, and the control wells. */
export interface PlateLayout {
  readonly wells: number;
  readonly picks: readonly string[];
  readonly controls: readonly string[];
}

/** A to Z, then AA to AF. */
const rowName = (row: number): string =>
  row < 26 ? String.fromCharCode(65 + row) : `A${String.fromCharCode(65 + row - 26)}`;

/** Wells by name, the column in two digits as labs write it: A01. */
const wellName = (row: number, column: number): string =>
  `${rowName(row)}${String(column + 1).padStart(2, '0')}`;

const padded = (well: string): string =>
  well.replace(/^([A-Z]+)0?(\d+)$/, (_, row: string, column: string) => row + column.padStart(2, '0'));

/** @throws config-invalid for a control well that the plate has not, or has twice, and where controls take every well */
export function plateLayout({ wells, controls, order }: Plates): PlateLayout {
  const [rows, columns] = PLATES[wells];
  const byColumns = Array.from({ length: wells }, (_, i) => wellName(i % rows, Math.floor(i / rows)));
  const byRows = Array.from({ length: wells }, (_, i) => wellName(Math.floor(i / columns), i % columns));
  const named =
    typeof controls === 'number' ? byColumns.slice(Math.max(0, wells - controls)) : controls.map(padded);
  const taken = new Set(named);
  const unknown = named.find((well) => !byColumns.includes(well));
  if (unknown !== undefined)
    throw invalid(
      `a plate of ${wells} wells has no well ${unknown}`,
      `Name wells from A01 to ${byColumns.at(-1)!}`,
    );
  if (taken.size < named.length)
    throw invalid(`the control well ${named.find((well, i) => named.indexOf(well) < i)!} is named twice`);
  if ((typeof controls === 'number' ? controls : taken.size) >= wells)
    throw invalid(
      `${typeof controls === 'number' ? controls : taken.size} controls leave no well of ${wells} for a pick`,
      'Give fewer controls, or a larger plate',
    );
  const picks = (order === 'columns' ? byColumns : byRows).filter((well) => !taken.has(well));
  return { wells, picks, controls: named };
}

/** Places for molecules in a batch of `asked`. */
export function placesOn(layout: PlateLayout, fill: Plates['fill'], asked: number): number {
  const perPlate = layout.picks.length;
  return fill === 'asked' || asked < perPlate ? asked : Math.floor(asked / perPlate) * perPlate;
}

/** Plate and well of the pick at `index`, from 0. */
export function placeOf(layout: PlateLayout, index: number): PlatePlace {
  const perPlate = layout.picks.length;
  return { plate: Math.floor(index / perPlate) + 1, well: layout.picks[index % perPlate]! };
}

export function plateUse(layout: PlateLayout, picked: number): PlateUse {
  const plates = Math.ceil(picked / layout.picks.length);
  return {
    plates,
    wells: layout.wells,
    controls: plates * layout.controls.length,
    empty: plates * layout.picks.length - picked,
  };
}

const invalid = (what: string, remedy?: string) =>
  new TitrateError('config-invalid', { what, where: 'acquisition.constraints.plates.controls', remedy });
