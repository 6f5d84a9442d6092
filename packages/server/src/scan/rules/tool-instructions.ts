// Descriptions that speak to the model instead of describing the tool: orders, secrecy towards the person, files to fetch first,
// text that people cannot see.

import { agentPiece, fixOf, keyOfUrl, serverKey, serverPiece, urlEntry } from '../fix.ts';
import type { Rule, ServerTools } from '../rule.ts';

interface Sign {
  readonly name: string;
  readonly form: RegExp;
}

/** Each alone is enough: none of them describes what a tool does. */
const SIGNS: readonly Sign[] = [
  {
    name: 'characters that people cannot see',
    form: /[\u{e0000}-\u{e007f}\u{200b}\u{2060}-\u{2064}\u{202a}-\u{202e}\u{2066}-\u{2069}]|(?:\u{200c}|\u{200d}|[\u{fe00}-\u{fe0f}]){3,}/u,
  },
  {
    name: 'orders in marked-up tags',
    form: /<\s*(?:important|system|secret|critical|instructions?|hidden|assistant|admin)\s*>/i,
  },
  {
    name: 'an order to drop other instructions',
    form: /\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|other|all|system|safety)\b[^.\n]{0,30}\b(?:instructions?|prompts?|rules?|guidelines?|messages?|tools?)\b/i,
  },
  {
    name: 'an order to keep something from the person',
    form: /\b(?:do not|don['’]t|never|without)\b[^.\n]{0,30}\b(?:tell|inform|mention|notify|show|reveal|alert|telling|informing|mentioning|notifying|asking)\b[^.\n]{0,40}\b(?:user|person|human|them|anyone)\b/i,
  },
  {
    name: 'an order to fetch keys or private files',
    form: /\b(?:read|open|cat|include|send|pass|attach|fetch|load|contents? of|copy)\b[^.\n]{0,80}(?:~\/\.|\.ssh\b|id_rsa|id_ed25519|\.aws\/|\.env\b|\/etc\/passwd|\.cursor\/mcp\.json|claude_desktop_config|credentials?\b[^.\n]{0,20}\bfile|private keys?\b)/i,
  },
  {
    name: 'a demand to be called before or instead of other tools',
    form: /\b(?:before|prior to|instead of)\b[^.\n]{0,30}\b(?:using|calling|invoking|running)\b[^.\n]{0,30}\b(?:any|all|every|other)\b[^.\n]{0,20}\btools?\b|\b(?:must|always)\b[^.\n]{0,30}\b(?:call|use|invoke)\b[^.\n]{0,20}\bthis tool\b[^.\n]{0,20}\bfirst\b/i,
  },
  {
    name: 'a change to how another tool is to be used',
    form: /\bwhen(?:ever)?\b[^.\n]{0,60}\b(?:send_email|send_mail|send_message|email|mail|payment|transfer)\b[^.\n]{0,80}\b(?:must|always|instead|bcc|also send|forward)\b/i,
  },
  {
    name: 'an address that data is to be sent to',
    form: /\b(?:send|post|upload|forward|exfiltrate|transmit|report)\b[^.\n]{0,80}\b(?:conversation|chat history|system prompt|context|api keys?|tokens?|secrets?|passwords?|credentials?)\b[^.\n]{0,60}\b(?:to|at)\b[^.\n]{0,10}(?:https?:\/\/|[\w.+-]+@[\w-]+\.)/i,
  },
  {
    name: 'a role for the model',
    form: /\byou are (?:now|no longer)\b|\bnew (?:system )?(?:instructions?|persona|role)\s*:/i,
  },
];

export const toolInstructions: Rule = {
  id: 'tool-instructions',
  severity: 'high',
  title: 'tool description that gives orders',
  why: 'The model reads descriptions as it reads its own instructions. Writ pins what tools say about themselves, and a changed or instructing one is not offered.',
  onTools: (server) =>
    textsOf(server).flatMap(({ name, text }) => {
      const signs = SIGNS.filter(({ form }) => form.test(text));
      if (signs.length === 0) return [];
      return [
        {
          place: server.place,
          subject: `${server.server?.path ?? server.name}:${name}`,
          says: `what \`${server.name}\` says about ${name} gives the model orders`,
          evidence: `it has ${signs.map((sign) => sign.name).join(', ')}`,
          fix: fixFor(server),
        },
      ];
    }),
};

function textsOf({ tools, instructions }: ServerTools): readonly { readonly name: string; readonly text: string }[] {
  return [
    ...tools.map((tool) => ({
      name: `tool \`${tool.name}\``,
      text: `${tool.name}\n${tool.description}\n${tool.parameterText}`,
    })),
    { name: 'itself', text: instructions },
  ];
}

function fixFor({ server, url }: ServerTools): string {
  const says = 'Take the server out, or allow single tools that you read; Writ pins their descriptions.';
  if (server !== null)
    return fixOf(says, {
      agents: agentPiece(server, [`${serverKey(server.name)}:TOOL_NAME`]),
      servers: serverPiece(server),
    });
  return fixOf(says, url === null ? {} : { servers: { [keyOfUrl(url)]: urlEntry(url) } });
}
