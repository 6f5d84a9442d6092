// Where agents keep their configurations: per client, below a home folder and below a project. All systems' places are looked at
// on every system, so that a mounted home or one under /mnt/c is read like one's own.

/** Where the servers stand in a file, as paths of names; `*` is any name. */
export type ServerPaths = readonly (readonly string[])[];

export interface Location {
  readonly client: string;
  /** Below the home or project folder; a segment may hold `*`. */
  readonly path: string;
  readonly servers: ServerPaths;
}

const MCP_SERVERS: ServerPaths = [['mcpServers']];
const VSCODE_SETTINGS: ServerPaths = [['mcp', 'servers'], ['mcp.servers']];
const VSCODE_FILE: ServerPaths = [['servers']];
const EXTENSION: ServerPaths = [['server', 'mcp_config'], ['mcpServers']];

/** Folders in which a program of that name keeps its settings, on Linux, macOS and Windows. */
const settingsFolders = ['.config', 'Library/Application Support', 'AppData/Roaming'];

function inSettings(client: string, paths: readonly string[], servers: ServerPaths): readonly Location[] {
  return settingsFolders.flatMap((folder) => paths.map((path) => ({ client, path: `${folder}/${path}`, servers })));
}

const editors = ['Code', 'Code - Insiders', 'VSCodium', 'Cursor', 'Windsurf'];
const clineFile = 'User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json';

export const HOME_LOCATIONS: readonly Location[] = [
  ...inSettings('claude-desktop', ['Claude/claude_desktop_config.json'], MCP_SERVERS),
  ...inSettings('claude-desktop', ['Claude/Claude Extensions/*/manifest.json'], EXTENSION),
  { client: 'claude-code', path: '.claude.json', servers: [['mcpServers'], ['projects', '*', 'mcpServers']] },
  { client: 'claude-code', path: '.claude/settings.json', servers: MCP_SERVERS },
  { client: 'claude-code', path: '.claude/settings.local.json', servers: MCP_SERVERS },
  ...['', '*/', '*/*/', '*/*/*/', '*/*/*/*/'].map((folders) => ({
    client: 'claude-code',
    path: `.claude/plugins/${folders}.mcp.json`,
    servers: [['mcpServers'], []],
  })),
  { client: 'cursor', path: '.cursor/mcp.json', servers: MCP_SERVERS },
  ...inSettings(
    'vscode',
    ['Code', 'Code - Insiders', 'VSCodium'].flatMap((one) => [
      `${one}/User/mcp.json`,
      `${one}/User/profiles/*/mcp.json`,
    ]),
    VSCODE_FILE,
  ),
  ...inSettings(
    'vscode',
    ['Code', 'Code - Insiders', 'VSCodium'].map((one) => `${one}/User/settings.json`),
    VSCODE_SETTINGS,
  ),
  { client: 'windsurf', path: '.codeium/windsurf/mcp_config.json', servers: MCP_SERVERS },
  { client: 'windsurf', path: '.codeium/mcp_config.json', servers: MCP_SERVERS },
  { client: 'codex', path: '.codex/config.toml', servers: [['mcp_servers']] },
  { client: 'gemini-cli', path: '.gemini/settings.json', servers: MCP_SERVERS },
  { client: 'gemini-cli', path: '.gemini/extensions/*/gemini-extension.json', servers: MCP_SERVERS },
  { client: 'gemini-cli', path: '.gemini/antigravity/mcp_config.json', servers: MCP_SERVERS },
  ...inSettings('zed', ['zed/settings.json', 'Zed/settings.json'], [['context_servers']]),
  ...inSettings(
    'cline',
    editors.map((one) => `${one}/${clineFile}`),
    MCP_SERVERS,
  ),
  { client: 'cline', path: `.vscode-server/data/${clineFile}`, servers: MCP_SERVERS },
  { client: 'kiro', path: '.kiro/settings/mcp.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.aws/amazonq/mcp.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.aws/amazonq/default.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.aws/amazonq/agents/*.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.aws/amazonq/cli-agents/*.json', servers: MCP_SERVERS },
  ...['opencode.json', 'opencode.jsonc', 'config.json'].map((file) => ({
    client: 'opencode',
    path: `.config/opencode/${file}`,
    servers: [['mcp']],
  })),
];

export const PROJECT_LOCATIONS: readonly Location[] = [
  { client: 'claude-code', path: '.mcp.json', servers: [['mcpServers'], []] },
  { client: 'claude-code', path: '.claude/settings.json', servers: MCP_SERVERS },
  { client: 'claude-code', path: '.claude/settings.local.json', servers: MCP_SERVERS },
  { client: 'cursor', path: '.cursor/mcp.json', servers: MCP_SERVERS },
  { client: 'vscode', path: '.vscode/mcp.json', servers: VSCODE_FILE },
  { client: 'vscode', path: '.vscode/settings.json', servers: VSCODE_SETTINGS },
  ...['.devcontainer/devcontainer.json', '.devcontainer.json'].map((path) => ({
    client: 'vscode',
    path,
    servers: [
      ['customizations', 'vscode', 'mcp', 'servers'],
      ['customizations', 'vscode', 'settings', 'mcp', 'servers'],
    ],
  })),
  { client: 'codex', path: '.codex/config.toml', servers: [['mcp_servers']] },
  { client: 'gemini-cli', path: '.gemini/settings.json', servers: MCP_SERVERS },
  { client: 'zed', path: '.zed/settings.json', servers: [['context_servers']] },
  { client: 'kiro', path: '.kiro/settings/mcp.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.amazonq/mcp.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.amazonq/default.json', servers: MCP_SERVERS },
  { client: 'amazon-q', path: '.amazonq/cli-agents/*.json', servers: MCP_SERVERS },
  { client: 'opencode', path: 'opencode.json', servers: [['mcp']] },
  { client: 'opencode', path: 'opencode.jsonc', servers: [['mcp']] },
];

/** What an administrator puts on a machine for everybody. */
export const MACHINE_LOCATIONS: readonly Location[] = [
  { client: 'claude-code', path: '/etc/claude-code/managed-mcp.json', servers: MCP_SERVERS },
  { client: 'claude-code', path: '/Library/Application Support/ClaudeCode/managed-mcp.json', servers: MCP_SERVERS },
];

/** Of a file whose place says nothing: wherever any client would look. */
const ANY_SERVERS: ServerPaths = [
  ['mcpServers'],
  ['projects', '*', 'mcpServers'],
  ['mcp', 'servers'],
  ['servers'],
  ['context_servers'],
  ['mcp_servers'],
  ['server', 'mcp_config'],
  ['mcp'],
];

/** The client whose file this path would be; its place decides, then its name. */
export function locationOf(file: string): Location {
  const path = file.replaceAll('\\', '/');
  const found = [...HOME_LOCATIONS, ...PROJECT_LOCATIONS].find((one) => pattern(one.path).test(path));
  return found ?? { client: 'unknown', path, servers: ANY_SERVERS };
}

/** For one segment or a whole path; `*` stops at a slash. */
export function pattern(path: string): RegExp {
  const escaped = path.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`(?:^|/)${escaped}$`);
}
