// The members of SARIF 2.1.0 that the scan uses: which must be there, which may, and of what kind. From the specification's sections
// 3.13 to 3.59; objects of SARIF are closed but for property bags.

type Form =
  | 'text'
  | 'url'
  | 'count'
  | 'flag'
  | 'bag'
  | readonly ['list', Form, number?]
  | readonly ['map', Form]
  | readonly ['one of', ...string[]]
  | string;

interface ObjectForm {
  readonly required: { readonly [name: string]: Form };
  readonly optional: { readonly [name: string]: Form };
}

const object = (required: ObjectForm['required'], optional: ObjectForm['optional'] = {}): ObjectForm => ({
  required,
  optional,
});
const level: Form = ['one of', 'none', 'note', 'warning', 'error'];

const OBJECTS: { readonly [name: string]: ObjectForm } = {
  sarifLog: object({ version: ['one of', '2.1.0'], runs: ['list', 'run'] }, { $schema: 'url' }),
  run: object(
    { tool: 'tool' },
    {
      originalUriBaseIds: ['map', 'artifactLocation'],
      columnKind: ['one of', 'utf16CodeUnits', 'unicodeCodePoints'],
      artifacts: ['list', 'artifact'],
      results: ['list', 'result'],
      invocations: ['list', 'invocation'],
    },
  ),
  tool: object({ driver: 'toolComponent' }),
  toolComponent: object(
    { name: 'text' },
    { version: 'text', semanticVersion: 'text', rules: ['list', 'reportingDescriptor'] },
  ),
  reportingDescriptor: object(
    { id: 'text' },
    {
      shortDescription: 'multiformatMessageString',
      fullDescription: 'multiformatMessageString',
      help: 'multiformatMessageString',
      defaultConfiguration: 'reportingConfiguration',
      properties: 'bag',
    },
  ),
  multiformatMessageString: object({ text: 'text' }, { markdown: 'text' }),
  reportingConfiguration: object({}, { level }),
  artifact: object({}, { location: 'artifactLocation' }),
  artifactLocation: object({}, { uri: 'url', uriBaseId: 'text' }),
  invocation: object({ executionSuccessful: 'flag' }),
  result: object(
    { message: 'message' },
    {
      ruleId: 'text',
      ruleIndex: 'count',
      level,
      locations: ['list', 'location'],
      partialFingerprints: ['map', 'text'],
      fixes: ['list', 'fix'],
      properties: 'bag',
    },
  ),
  message: object({ text: 'text' }),
  location: object({}, { physicalLocation: 'physicalLocation' }),
  physicalLocation: object({ artifactLocation: 'artifactLocation' }, { region: 'region' }),
  region: object(
    {},
    {
      startLine: 'count',
      startColumn: 'count',
      endLine: 'count',
      endColumn: 'count',
      charOffset: 'count',
      charLength: 'count',
    },
  ),
  fix: object({ artifactChanges: ['list', 'artifactChange', 1] }, { description: 'message' }),
  artifactChange: object({ artifactLocation: 'artifactLocation', replacements: ['list', 'replacement', 1] }),
  replacement: object({ deletedRegion: 'region' }, { insertedContent: 'artifactContent' }),
  artifactContent: object({}, { text: 'text' }),
};

/** What is wrong with a log, each with its path; empty when it is SARIF. */
export function sarifFaults(value: unknown, form: Form = 'sarifLog', path = '$'): readonly string[] {
  const wrong = (says: string) => [`${path} ${says}`];
  if (form === 'text') return typeof value === 'string' ? [] : wrong('is no text');
  if (form === 'url')
    return typeof value === 'string' && /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/.test(value)
      ? []
      : wrong('is no URI reference');
  if (form === 'count') return Number.isInteger(value) && (value as number) >= 0 ? [] : wrong('is no whole number');
  if (form === 'flag') return typeof value === 'boolean' ? [] : wrong('is neither true nor false');
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (form === 'bag') return isObject ? [] : wrong('is no property bag');
  if (typeof form !== 'string') {
    if (form[0] === 'one of')
      return form.slice(1).includes(value as string) ? [] : wrong(`is none of ${form.slice(1).join(', ')}`);
    if (form[0] === 'map')
      return isObject
        ? Object.entries(value).flatMap(([name, one]) => sarifFaults(one, form[1], `${path}.${name}`))
        : wrong('is no map');
    const [, inner, least = 0] = form as readonly ['list', Form, number?];
    if (!Array.isArray(value) || value.length < least) return wrong('is no list, or too short');
    return value.flatMap((one, i) => sarifFaults(one, inner, `${path}[${i}]`));
  }
  if (!isObject) return wrong('is no object');
  const { required, optional } = OBJECTS[form]!;
  return [
    ...Object.keys(required)
      .filter((name) => !(name in value))
      .flatMap((name) => wrong(`lacks ${name}`)),
    ...Object.entries(value).flatMap(([name, one]) => {
      const inner = required[name] ?? optional[name];
      return inner === undefined
        ? wrong(`has ${name}, which SARIF does not know`)
        : sarifFaults(one, inner, `${path}.${name}`);
    }),
  ];
}
