/** What a recipe is at. */
export interface RecipeProgress {
  readonly phase: 'explore' | 'evaluate' | 'train';
  readonly what: string;
  /** Of this phase. */
  readonly done: number;
  readonly of: number;
}
