/** A text as a SQL literal, for places that take no parameter. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
