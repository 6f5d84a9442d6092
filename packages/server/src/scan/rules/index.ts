// All rules, in the order in which reports list them.

import type { Rule } from '../rule.ts';
import { broadFolder } from './broad-folder.ts';
import { broadScope } from './broad-scope.ts';
import { cardAsksNothing, cardUnbound, cardUnsigned } from './card.ts';
import { configUnreadable, configWritable } from './config-file.ts';
import { confirmationOff } from './confirmation-off.ts';
import { containerHostAccess } from './container-host-access.ts';
import { dnsRebinding } from './dns-rebinding.ts';
import { metadataMissing } from './metadata-missing.ts';
import { openEndpoint } from './open-endpoint.ts';
import { plainHttp } from './plain-http.ts';
import { remoteScript } from './remote-script.ts';
import { secretInConfig } from './secret-in-config.ts';
import { secretInEnvFile } from './secret-in-env-file.ts';
import { sharedSecret } from './shared-secret.ts';
import { tlsOff } from './tls-off.ts';
import { tokenPassthrough } from './token-passthrough.ts';
import { toolInstructions } from './tool-instructions.ts';
import { unpinnedPackage } from './unpinned-package.ts';

export const RULES: readonly Rule[] = [
  secretInConfig,
  secretInEnvFile,
  sharedSecret,
  tokenPassthrough,
  openEndpoint,
  dnsRebinding,
  plainHttp,
  tlsOff,
  metadataMissing,
  toolInstructions,
  remoteScript,
  unpinnedPackage,
  containerHostAccess,
  broadFolder,
  broadScope,
  confirmationOff,
  cardUnsigned,
  cardUnbound,
  cardAsksNothing,
  configWritable,
  configUnreadable,
];
