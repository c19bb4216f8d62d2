import '../../support/property-seed';
import fc from 'fast-check';
import { constraintsSchema, PLATES, type Plates } from '../../../src/contracts';
import { placeOf, plateLayout } from '../../../src/acquisition/constraints';
import { placesOn, plateUse } from '../../../src/acquisition/constraints/plates';

const plates = (given: object): Plates => constraintsSchema.parse({ plates: given }).plates!;

test('96 wells, the last column for controls: 88 picks a plate, column by column or row by row', () => {
  const layout = plateLayout(plates({ wells: 96, controls: 8 }));
  expect(layout.controls).toEqual(['A12', 'B12', 'C12', 'D12', 'E12', 'F12', 'G12', 'H12']);
  expect([0, 1, 8, 87, 88].map((i) => placeOf(layout, i))).toEqual([
    { plate: 1, well: 'A01' },
    { plate: 1, well: 'B01' },
    { plate: 1, well: 'A02' },
    { plate: 1, well: 'H11' },
    { plate: 2, well: 'A01' },
  ]);
  const rows = plateLayout(plates({ wells: 96, controls: ['A1', 'h12'.toUpperCase()], order: 'rows' }));
  expect([0, 1, 10, 11].map((i) => placeOf(rows, i).well)).toEqual(['A02', 'A03', 'A12', 'B01']);
  expect(plateLayout(plates({ wells: 1536 })).picks.at(-1)).toBe('AF48');
});

test('no well holds two picks or a control, and wells are all accounted for', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(PLATES).map(Number)),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      fc.constantFrom('columns', 'rows'),
      fc.constantFrom('asked' as const, 'whole' as const),
      fc.integer({ min: 1, max: 500 }),
      (wells, share, order, fill, asked) => {
        const layout = plateLayout(plates({ wells, controls: Math.floor(share * wells), order }));
        const count = placesOn(layout, fill, asked);
        const places = Array.from({ length: count }, (_, i) => placeOf(layout, i));
        expect(new Set(places.map(({ plate, well }) => `${plate} ${well}`)).size).toBe(count);
        expect(places.filter(({ well }) => layout.controls.includes(well))).toEqual([]);
        const use = plateUse(layout, count);
        expect(use.plates).toBe(places.at(-1)!.plate);
        expect(count + use.controls + use.empty).toBe(use.plates * wells);
        expect(count).toBeLessThanOrEqual(asked);
        if (fill === 'whole' && asked >= layout.picks.length) expect(use.empty).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});

test('controls that a plate cannot have are refused', () => {
  const refused = (given: object) => () => plateLayout(plates(given));
  expect(refused({ wells: 24, controls: ['E1'] })).toThrow(
    'acquisition.constraints.plates.controls: a plate of 24 wells has no well E01. Name wells from A01 to D06.',
  );
  expect(refused({ wells: 24, controls: ['A1', 'A01'] })).toThrow(/the control well A01 is named twice/);
  expect(refused({ wells: 6, controls: 6 })).toThrow(/6 controls leave no well of 6 for a pick/);
});
