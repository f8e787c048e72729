// What the derive of the SDK of Rust makes of the settings in `../../rust`.

const folders = { type: 'array', items: { type: 'string' }, maxItems: 100 };

export const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    paths: { title: 'Paths', description: 'Folders to look through.', ...folders, minItems: 1 },
    exclusions: { title: 'Exclusions', description: 'Folders in them that are passed over.', ...folders, default: [] },
    depth: { title: 'Depth', description: 'Levels of folders.', type: 'integer', minimum: 1, maximum: 1000, default: 100 },
    'largest-file': {
      title: 'Largest file',
      description: 'Bytes of the largest file that is read.',
      type: 'integer',
      minimum: 1,
      maximum: 1000000000000,
      default: 100000000,
    },
    archives: { title: 'Archives', description: 'Whether archives are opened.', type: 'boolean', default: true },
    mail: { title: 'Mail', description: 'Whether mail is opened.', type: 'boolean', default: true },
    threads: { title: 'Threads', description: 'Files that are read at once.', type: 'integer', minimum: 1, maximum: 64, default: 1 },
    heuristics: { title: 'Heuristics', description: 'How much is guessed.', type: 'string', enum: ['off', 'low', 'high'], default: 'low' },
    'on-detection': {
      title: 'On detection',
      description: 'What becomes of a file that is detected.',
      type: 'string',
      enum: ['report', 'quarantine'],
      default: 'report',
    },
    'quarantine-folder': { title: 'Quarantine folder', description: 'Where detected files are moved to.', type: 'string' },
  },
  required: ['paths'],
  additionalProperties: false,
};
