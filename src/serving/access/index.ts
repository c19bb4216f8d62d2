export { addAccess, type Access, type AccessOptions } from './access';
export {
  apiKeySchema,
  createKeyAuthenticator,
  hashOfKey,
  newApiKey,
  readApiKeys,
  type ApiKey,
} from './api-keys';
export { chooseAuthenticator, isLoopback, type AuthSettings } from './choose';
export { createOidcAuthenticator, type OidcOptions } from './oidc';
export { SCOPES, type Authenticator, type CallerLimits, type Principal, type Scope } from './principal';
export { Rates } from './rates';
