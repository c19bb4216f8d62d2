export { pickByHypervolume } from './by-hypervolume';
export { pickByScalarisedDraws } from './by-scalarised-draws';
export { dominates, frontOf, type Point } from './front';
export { hypervolume } from './hypervolume';
export { frontMolecules, frontOver, referenceOf, signOf, type Front, type Traded } from './reference';
export {
  propertiesOf,
  sortProperties,
  tradeOffOf,
  type LeftOut,
  type Sorted,
  type TradeOff,
} from './trade-off';
export { bestMoments, paretoShortlist } from './shortlist';
export { viewOf, type View } from './view';
