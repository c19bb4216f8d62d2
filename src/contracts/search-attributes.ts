/** Search attributes, registered by the program itself before the first workflow starts. */
export const SEARCH_ATTRIBUTES = {
  CampaignId: 'Keyword',
  CampaignStage: 'Keyword',
  CampaignRound: 'Int',
  ModelVersion: 'Keyword',
  BestValue: 'Double',
} as const;
export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;
