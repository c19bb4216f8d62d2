export { NeighbourIndex, SIMILARITY_FEATURIZER, type Nearest } from '../learning/applicability';
