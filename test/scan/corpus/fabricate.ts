// Secrets that nobody issued, in the shapes that issuers publish. Built from parts, so that no scanner finds one in this file.

export type Random = () => number;

/** Mulberry32: small, and the same on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';
const alphabets = {
  a: upper + lower + digits,
  h: `${digits}abcdef`,
  d: digits,
  u: upper + digits,
  l: lower,
  b: `${upper}${lower}${digits}-_`,
  p: `${upper}${lower}${digits}+/`,
};

/** Parts of a shape: a text as it is, or how many characters of which alphabet. */
type Part = string | readonly [keyof typeof alphabets, number];

const jwt: readonly Part[] = ['ey', 'J', ['a', 24], '.', 'ey', 'J', ['a', 60], '.', ['a', 43]];

/** Name in the corpus → what the scan calls it, and the parts. */
export const SHAPES: { readonly [name: string]: { readonly says: string; readonly parts: readonly Part[] } } = {
  anthropic: { says: 'Anthropic API key', parts: ['sk-', 'ant-', 'api03-', ['a', 93], 'AA'] },
  'anthropic-admin': { says: 'Anthropic admin key', parts: ['sk-', 'ant-', 'admin01-', ['a', 93], 'AA'] },
  'anthropic-oauth': { says: 'Anthropic OAuth token', parts: ['sk-', 'ant-', 'oat01-', ['a', 93], 'AA'] },
  openai: { says: 'OpenAI API key', parts: ['sk-', 'proj-', ['a', 74], 'T3Blbk', 'FJ', ['a', 74]] },
  'openai-old': { says: 'OpenAI API key', parts: ['sk-', ['a', 20], 'T3Blbk', 'FJ', ['a', 20]] },
  'openai-service': { says: 'OpenAI API key', parts: ['sk-', 'svcacct-', ['a', 60]] },
  openrouter: { says: 'OpenRouter key', parts: ['sk-', 'or-v1-', ['h', 64]] },
  groq: { says: 'Groq key', parts: ['gs', 'k_', ['a', 52]] },
  huggingface: { says: 'Hugging Face token', parts: ['h', 'f_', ['a', 34]] },
  perplexity: { says: 'Perplexity key', parts: ['pp', 'lx-', ['a', 48]] },
  replicate: { says: 'Replicate token', parts: ['r', '8_', ['a', 37]] },
  github: { says: 'GitHub token', parts: ['gh', 'p_', ['a', 36]] },
  'github-oauth': { says: 'GitHub token', parts: ['gh', 'o_', ['a', 36]] },
  'github-fine': { says: 'GitHub fine-grained token', parts: ['github', '_pat_', ['a', 22], '_', ['a', 59]] },
  gitlab: { says: 'GitLab token', parts: ['gl', 'pat-', ['a', 20]] },
  npm: { says: 'npm token', parts: ['np', 'm_', ['a', 36]] },
  docker: { says: 'Docker token', parts: ['dckr', '_pat_', ['a', 27]] },
  'slack-bot': { says: 'Slack token', parts: ['xo', 'xb-', ['d', 12], '-', ['d', 13], '-', ['a', 24]] },
  'slack-app': { says: 'Slack app token', parts: ['xa', 'pp-1-', ['u', 11], '-', ['d', 13], '-', ['h', 64]] },
  'slack-hook': {
    says: 'Slack webhook',
    parts: ['https://hooks.', 'slack.com/', 'services/T', ['u', 8], '/B', ['u', 10], '/', ['a', 24]],
  },
  linear: { says: 'Linear token', parts: ['lin', '_api_', ['a', 40]] },
  notion: { says: 'Notion token', parts: ['nt', 'n_', ['d', 11], ['a', 35]] },
  'notion-old': { says: 'Notion token', parts: ['sec', 'ret_', ['a', 43]] },
  figma: { says: 'Figma token', parts: ['fig', 'd_', ['a', 40]] },
  airtable: { says: 'Airtable token', parts: ['pa', 't', ['a', 14], '.', ['h', 64]] },
  telegram: { says: 'Telegram bot token', parts: [['d', 10], ':A', 'A', ['a', 33]] },
  stripe: { says: 'Stripe live key', parts: ['sk', '_live_', ['a', 24]] },
  'stripe-restricted': { says: 'Stripe live key', parts: ['rk', '_live_', ['a', 99]] },
  shopify: { says: 'Shopify token', parts: ['shp', 'at_', ['h', 32]] },
  sendgrid: { says: 'SendGrid key', parts: ['S', 'G.', ['a', 22], '.', ['a', 43]] },
  google: { says: 'Google API key', parts: ['AI', 'za', ['b', 34], ['a', 1]] },
  'google-client': { says: 'Google OAuth secret', parts: ['GOC', 'SPX-', ['b', 27], ['a', 1]] },
  digitalocean: { says: 'DigitalOcean token', parts: ['do', 'p_v1_', ['h', 64]] },
  databricks: { says: 'Databricks token', parts: ['da', 'pi', ['h', 32]] },
  supabase: { says: 'Supabase token', parts: ['sb', 'p_', ['h', 40]] },
  sentry: { says: 'Sentry token', parts: ['sn', 'tryu_', ['h', 64]] },
  grafana: { says: 'Grafana token', parts: ['gl', 'sa_', ['a', 32], '_', ['h', 8]] },
  vault: { says: 'HashiCorp Vault token', parts: ['hv', 's.', ['a', 95]] },
  tailscale: { says: 'Tailscale key', parts: ['ts', 'key-auth-', ['a', 12], 'CNTRL-', ['a', 32]] },
  brave: { says: 'Brave Search key', parts: ['BS', 'A', ['a', 28]] },
  tavily: { says: 'Tavily key', parts: ['tv', 'ly-dev-', ['a', 32]] },
  firecrawl: { says: 'Firecrawl key', parts: ['f', 'c-', ['h', 32]] },
  resend: { says: 'Resend key', parts: ['r', 'e_', ['a', 8], '_', ['a', 24]] },
  jwt: { says: 'JSON Web Token', parts: jwt },
  pem: {
    says: 'private key',
    parts: [
      '-----BEGIN ',
      'EC PRIVATE',
      ' KEY-----\\n',
      ['p', 64],
      '\\n',
      ['p', 64],
      '\\n',
      ['p', 36],
      '==\\n-----END ',
      'EC PRIVATE',
      ' KEY-----\\n',
    ],
  },
};

/** Shapes that only the name of the variable gives away; `key` is one that does. */
const UNNAMED: { readonly [name: string]: readonly Part[] } = {
  'aws-secret': [['p', 40]],
  random: [['a', 40]],
  hex: [['h', 32]],
  password: [['l', 5], ['d', 2], '!', ['a', 5]],
  uuid: [['h', 8], '-', ['h', 4], '-', ['h', 4], '-', ['h', 4], '-', ['h', 12]],
};

export function fabricate(name: string, random: Random): string {
  const parts = SHAPES[name]?.parts ?? UNNAMED[name];
  if (parts === undefined) throw new Error(`the corpus asks for \`${name}\`, which fabricate.ts does not know`);
  for (;;) {
    const made = parts.map((part) => (typeof part === 'string' ? part : drawn(part, random))).join('');
    // A key of random characters has all kinds of them; the rare draw without is not what the test is about.
    const alnum = parts.some((part) => typeof part !== 'string' && 'ap'.includes(part[0]) && part[1] >= 20);
    if (!alnum || (/[0-9]/.test(made) && /[A-Z]/.test(made) && /[a-z]/.test(made))) return made;
  }
}

function drawn([alphabet, count]: readonly [keyof typeof alphabets, number], random: Random): string {
  const characters = alphabets[alphabet];
  return Array.from({ length: count }, () => characters[Math.floor(random() * characters.length)]).join('');
}
