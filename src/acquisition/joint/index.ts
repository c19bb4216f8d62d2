export { IntegratedVariance } from './integrated-variance';
export { jointOf, type Joint } from './joint';
export { JointPosterior } from './posterior';
