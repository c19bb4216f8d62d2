import { TitrateError } from '../contracts';
import type { RdkitMol } from './rdkit-module';

export interface DepictSize {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export const DEFAULT_DEPICT_SIZE: DepictSize = { width: 250, height: 200 };
const MIN_PIXELS = 16;
const MAX_PIXELS = 4096;

/** @throws usage when a side is not a whole number of pixels from 16 to 4096 */
export function checkDepictSize({ width, height }: DepictSize): DepictSize {
  if (![width, height].every((side) => Number.isInteger(side) && side >= MIN_PIXELS && side <= MAX_PIXELS)) {
    throw new TitrateError('usage', {
      what: `a drawing of ${width} x ${height} pixels`,
      where: 'depict',
      remedy: `Ask for whole numbers from ${MIN_PIXELS} to ${MAX_PIXELS}`,
    });
  }
  return { width, height };
}

/** An `<svg>` element, without the XML prolog so that it stands inside an HTML page as it is. */
export function drawSvg(mol: RdkitMol, { width, height }: DepictSize): string {
  return mol.get_svg(width, height).replace(/^<\?xml[^>]*\?>\s*/, '');
}
