const ATOM = String.raw`\[[^\]\s]+\]|Br|Cl|[BCNOPSFIbcnops*]`;
const SMILES = new RegExp(String.raw`^(?:${ATOM}|[-=#$:/\\.()@+%~0-9])+$`);

/** Whether a word could be a SMILES, by its letters alone. */
export const looksLikeSmiles = (word: string): boolean => /^[[A-Za-z*]/.test(word) && SMILES.test(word);
