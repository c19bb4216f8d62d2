/** What somebody may do: ask for predictions, read what there is, everything. */
export const SCOPES = ['predict', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** What one caller may ask for; left out, as much as the server takes. */
export interface CallerLimits {
  readonly requestsPerMinute?: number;
  readonly moleculesPerMinute?: number;
  /** Molecules in one request. */
  readonly maxMolecules?: number;
}

/** Who asks. */
export interface Principal {
  /** Name of the key, subject of the token, or address of an unnamed caller: what rates are counted by. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly limits: CallerLimits;
}

/** Finds who a credential stands for. */
export interface Authenticator {
  /**
   * @returns null for a credential that it does not know, has expired, or was changed
   * @throws TitrateError unavailable when it cannot be decided now
   */
  authenticate(credential: string): Promise<Principal | null>;
}

export const mayDo = ({ scopes }: Principal, scope: Scope) => scopes.has(scope) || scopes.has('admin');
