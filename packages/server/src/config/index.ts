// What the rest of the program may use of the configuration room.

export { isLoopback } from './check-addresses.ts';
export type {
  Address,
  AgentConfig,
  AllowLine,
  Attest,
  ClientConfig,
  Config,
  CredentialRef,
  EnvironmentValue,
  MandateConfig,
  McpConfig,
  Mode,
  OauthRef,
  PublicKeys,
  SecretRef,
  ServerConfig,
  UserConfig,
  VaultRef,
} from './config.ts';
export { configFileName, DEFAULTS } from './defaults.ts';
export { configJsonSchema, schemaFileName, schemaHeader } from './json-schema.ts';
export { type Loaded, type LoadOptions, type Locate, loadConfig, parseConfig } from './load.ts';
export type { Problem } from './problems.ts';
