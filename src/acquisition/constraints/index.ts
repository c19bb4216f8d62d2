export { ALERTS, type Alert, type AlertDefinition } from './alerts';
export { compileRules, type CompiledRules, type CompileRequest } from './compile';
export { costIn, NO_LISTS, type RuleLists } from './molecule-rules';
export { placeOf, plateLayout, type PlateLayout, type PlatePlace, type PlateUse } from './plates';
export { rulesReport, whyNothing, type NothingToPick } from './report';
export type { BatchDraft, BatchRules } from './rules';
export { patternsOf, screenOf, type NamedPattern, type ScreenedMolecule } from './screen';
