export { observeChemistry } from './chemistry';
export { observeLanding, observeProcessor } from './ingest';
export { observeScoring } from './learning';
export { observeObjectStore } from './object-store';
export { observeStepCache } from './step-cache';
export { observeTraining } from './training';
export { observeWarehouse } from './warehouse';
