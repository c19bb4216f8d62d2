import { z } from 'zod';

const text = z.string().min(1).optional();

/** The part `temporal` of the settings: a server of one's own, or Temporal Cloud. */
export const temporalSettingsSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.coerce.number().int().min(0).max(65535).default(7233),
    uiPort: z.coerce.number().int().min(0).max(65535).default(8233),
    namespace: z
      .string()
      .default('default')
      .describe("On Temporal Cloud with the account's id: name.account."),
    tls: z
      .strictObject({
        mode: z
          .enum(['off', 'on'])
          .optional()
          .describe(
            "Default: 'on' where there is an API key or one of the files or the name below, else 'off'.",
          ),
        caFile: text.describe("PEM: who signed the server's certificate. Default: whom the system trusts."),
        certFile: text.describe('PEM: the certificate that this side shows (mTLS); goes with keyFile.'),
        keyFile: text.describe('PEM: the private key of certFile.'),
        serverName: text.describe("Name in the server's certificate, where it is not the host."),
      })
      .prefault({}),
    apiKeyFile: text.describe(
      'File with an API key of Temporal Cloud and nothing else. The environment gives the key itself as TITRATE_TEMPORAL_API_KEY.',
    ),
  })
  .prefault({});
