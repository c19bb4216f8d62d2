export { joinLists, listKey, scoreLists, type StoredList, type WantedList } from './lists';
export type { ScoredLists } from '../beliefs';
export { planLists, type ListPlan } from './plan';
