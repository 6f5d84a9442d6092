// What issuers' secrets look like, so that a finding can say whose it is. Forms are the issuers' published prefixes and
// lengths; the first that fits names the secret, so the narrower stand first. Data only; what counts as a secret is secrets.ts.

export interface SecretName {
  readonly name: string;
  /** Matches the secret alone, anywhere in a text. */
  readonly form: RegExp;
  /** Hosts that may be sent it; null where anybody may be. Subdomains are meant too. */
  readonly hosts: readonly string[] | null;
}

const named = (name: string, form: string, hosts: readonly string[] | null = null): SecretName => ({
  name,
  // A letter or digit before or after means that something longer was meant.
  form: new RegExp(`(?<![A-Za-z0-9_])(?:${form})(?![A-Za-z0-9])`, 'g'),
  hosts,
});

const GITHUB = ['github.com', 'githubcopilot.com', 'ghe.com'];
const SLACK = ['slack.com'];
const GOOGLE = ['googleapis.com', 'google.com', 'goog'];
const PEM_LINE = String.raw`(?:\\r|\\n|\s|[A-Za-z0-9+/=:,-])`;

export const SECRET_NAMES: readonly SecretName[] = [
  // Private keys and keys to identities
  {
    name: 'private key',
    form: new RegExp(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----${PEM_LINE}{40,}`, 'g'),
    hosts: [],
  },
  named('age secret key', 'AGE-SECRET-KEY-1[0-9A-Z]{58}', []),
  named('1Password service account token', 'ops_eyJ[A-Za-z0-9+/_-]{100,}={0,2}', ['1password.com']),
  named('HashiCorp Vault token', String.raw`hv[sbr]\.[A-Za-z0-9_-]{24,}`),
  named('Doppler token', String.raw`dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}`, ['doppler.com']),
  named('Tailscale key', 'tskey-[a-z]+-[A-Za-z0-9]{6,}(?:-[A-Za-z0-9]{16,})?', ['tailscale.com']),
  // Models
  named('Anthropic API key', 'sk-ant-api[0-9]{2}-[A-Za-z0-9_-]{20,}', ['anthropic.com']),
  named('Anthropic admin key', 'sk-ant-admin[0-9]{2}-[A-Za-z0-9_-]{20,}', ['anthropic.com']),
  named('Anthropic OAuth token', 'sk-ant-o[ar]t[0-9]{2}-[A-Za-z0-9_-]{20,}', ['anthropic.com']),
  named('OpenRouter key', 'sk-or-v1-[0-9a-f]{40,}', ['openrouter.ai']),
  named('OpenAI API key', 'sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}', ['openai.com']),
  named('OpenAI API key', 'sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}', ['openai.com']),
  named('LangSmith key', 'lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}', ['langchain.com']),
  named('Groq key', 'gsk_[A-Za-z0-9]{40,}', ['groq.com']),
  named('Hugging Face token', '(?:hf|api_org)_[A-Za-z0-9]{30,}', ['huggingface.co', 'hf.co', 'hf.space']),
  named('xAI key', 'xai-[A-Za-z0-9]{60,}', ['x.ai']),
  named('Perplexity key', 'pplx-[A-Za-z0-9]{40,}', ['perplexity.ai']),
  named('Replicate token', 'r8_[A-Za-z0-9]{37}', ['replicate.com']),
  named('ElevenLabs key', 'sk_[0-9a-f]{48}', ['elevenlabs.io']),
  named('Pinecone key', 'pcsk_[A-Za-z0-9_]{40,}', ['pinecone.io']),
  // Search and crawling, the first keys that most agents get
  named('Tavily key', 'tvly-(?:dev-|prod-)?[A-Za-z0-9_-]{20,}', ['tavily.com']),
  named('Brave Search key', 'BSA[A-Za-z0-9_-]{24,}', ['brave.com']),
  named('Firecrawl key', 'fc-[0-9a-f]{32}', ['firecrawl.dev']),
  // Code and packages
  named('GitHub fine-grained token', 'github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}', GITHUB),
  named('GitHub token', 'gh[pousr]_[A-Za-z0-9]{36,}', GITHUB),
  named('GitLab token', 'gl(?:pat|dt|rt|ptt|soat|imt|agent|ft|cbt|oas|ffct)-[A-Za-z0-9_.-]{20,}'),
  named('npm token', 'npm_[A-Za-z0-9]{36}', ['npmjs.com', 'npmjs.org']),
  named('PyPI token', 'pypi-AgEI[A-Za-z0-9_-]{50,}'),
  named('Docker token', 'dckr_[po]at_[A-Za-z0-9_-]{24,}', ['docker.com', 'docker.io']),
  named('Postman key', 'PMAK-[0-9a-f]{24}-[0-9a-f]{34}', ['postman.com', 'getpostman.com']),
  // Work
  named('Slack app token', 'xapp-[0-9]-[A-Z0-9]+-[0-9]+-[0-9a-f]{32,}', SLACK),
  named('Slack token', 'xox[abeoprs](?:[.-][A-Za-z0-9]{8,})+(?:-[A-Za-z0-9]+)*', SLACK),
  named('Slack webhook', String.raw`https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}`, SLACK),
  named('Linear token', 'lin_(?:api|oauth)_[A-Za-z0-9]{32,}', ['linear.app']),
  named('Notion token', 'ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}', ['notion.com', 'notion.so']),
  named('Figma token', 'fig[dou][rh]?_[A-Za-z0-9_-]{36,}', ['figma.com']),
  named('Atlassian token', 'AT(?:ATT3|CTT3)xFf[A-Za-z0-9_=-]{60,}', ['atlassian.com', 'atlassian.net']),
  named('Airtable token', String.raw`pat[A-Za-z0-9]{14}\.[0-9a-f]{64}`, ['airtable.com']),
  named('Telegram bot token', '[0-9]{8,10}:AA[A-Za-z0-9_-]{33}', ['telegram.org']),
  // Money and mail
  named('Stripe live key', '[sr]k_live_[A-Za-z0-9]{20,}', ['stripe.com']),
  named('Stripe test key', '[sr]k_test_[A-Za-z0-9]{20,}', ['stripe.com']),
  named('Stripe webhook secret', 'whsec_[A-Za-z0-9+/=]{24,}', ['stripe.com']),
  named('Shopify token', 'shp(?:at|ca|pa|ss)_[0-9a-f]{32}', ['shopify.com', 'myshopify.com']),
  named('SendGrid key', String.raw`SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}`, ['sendgrid.com']),
  named('Resend key', 're_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}', ['resend.com']),
  // Clouds and data
  named('Google API key', 'AIza[A-Za-z0-9_-]{35}', GOOGLE),
  named('Google OAuth secret', 'GOCSPX-[A-Za-z0-9_-]{28}', GOOGLE),
  named('Google OAuth token', String.raw`ya29\.[A-Za-z0-9_-]{40,}`, GOOGLE),
  named('DigitalOcean token', 'do[opr]_v1_[0-9a-f]{64}', ['digitalocean.com']),
  named('Cloudflare origin CA key', 'v1\\.0-[0-9a-f]{24}-[0-9a-f]{140,}', ['cloudflare.com']),
  named('Databricks token', 'dapi[0-9a-f]{32}(?:-[0-9])?', ['databricks.com', 'azuredatabricks.net']),
  named('Supabase token', 'sbp_(?:oauth_)?[0-9a-f]{40}', ['supabase.com', 'supabase.co']),
  named('Supabase secret key', 'sb_secret_[A-Za-z0-9_-]{20,}', ['supabase.com', 'supabase.co']),
  named('Vercel token', 'vc[piakr]_[A-Za-z0-9]{24,}', ['vercel.com']),
  named('Netlify token', 'nf[pcoub]_[A-Za-z0-9]{36,}', ['netlify.com']),
  named('PlanetScale secret', 'pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_.=-]{32,}', ['planetscale.com']),
  named('Azure storage key', '(?<=AccountKey=)[A-Za-z0-9+/]{86}=='),
  // Watching
  named('Sentry token', 'sntrys_eyJ[A-Za-z0-9+/=_-]{40,}|sntryu_[0-9a-f]{64}', ['sentry.io', 'sentry.dev']),
  named('Grafana token', 'glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_eyJ[A-Za-z0-9+/=]{32,}', ['grafana.com', 'grafana.net']),
  named('New Relic key', 'NRAK-[A-Z0-9]{27}', ['newrelic.com']),
  // Whoever issued it
  named('JSON Web Token', String.raw`eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`),
  named(
    'database password',
    String.raw`(?<=\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|clickhouse|cockroachdb|neo4j(?:\+s)?):\/\/[^\s:@/"']{0,80}:)[^\s@/"'\\]{3,}(?=@)`,
  ),
  named('database password', String.raw`(?<=;\s?(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)=)[^;\s"'\\]{4,}`),
  named('password in a URL', String.raw`(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"']{1,80}:)[^\s@/"'\\]{3,}(?=@)`),
];

/** Named by the key that holds it, where the value alone says nothing. */
export const KEYED_NAMES: readonly { readonly key: RegExp; readonly value: RegExp; readonly name: string }[] = [
  { key: /aws.*secret|secret.*access.*key/i, value: /^[A-Za-z0-9/+]{40}$/, name: 'AWS secret access key' },
  { key: /cloudflare|^cf_/i, value: /^[A-Za-z0-9_-]{37,40}$/, name: 'Cloudflare token' },
  { key: /vercel/i, value: /^[A-Za-z0-9]{24}$/, name: 'Vercel token' },
  { key: /openai|deepseek/i, value: /^sk-[A-Za-z0-9_-]{20,}$/, name: 'API key' },
  { key: /datadog|^dd_/i, value: /^(?:[0-9a-f]{32}|[0-9a-f]{40})$/, name: 'Datadog key' },
  { key: /pass(?:word|wd|phrase|code)?$|pwd$/i, value: /^/, name: 'password' },
  { key: /^proxy-authorization$|^authorization$/i, value: /^/, name: 'credential' },
  { key: /cookie/i, value: /^/, name: 'cookie' },
  { key: /api[-_]?key|apikey/i, value: /^/, name: 'API key' },
  { key: /token/i, value: /^/, name: 'token' },
];
