/** Pointer with the model version that should serve a campaign: what is desired. */
export const servingPointer = (campaignId: string) => `serving/${campaignId}`;

/** Pointer with the model version that was seen to serve: what was observed. */
export const observedPointer = (campaignId: string) => `observed/${campaignId}`;
