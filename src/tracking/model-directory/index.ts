export { MODEL_FILES, type ModelManifest } from './manifest';
export { isModelDirectory, openModelDirectory, type ModelDirectory } from './read';
export { checkModelTarget, writeModelDirectory, type NewModel } from './write';
