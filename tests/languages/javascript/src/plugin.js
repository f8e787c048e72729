// The same plug-in as in `../rust` and `../python`, by the SDK of JavaScript.

import { checkPath, isWithin, plugin, run, Unsupported } from 'muster-sdk';
import { schema } from './schema.js';

const scan = {
  id: 'scan',
  title: 'Scan',
  summary: 'Looks through folders.',
  kinds: ['local', 'group', 'global'],
  settings: schema,
  examples: [{ title: 'Home folders', settings: { paths: ['/home'] } }],
  timeLimit: 600,

  validate({ paths = [], exclusions = [], ...settings }, findings) {
    // For the test that an exception is an answer.
    if (paths.includes('/throw')) throw new TypeError('It was asked to.');
    paths.forEach((path, at) => {
      if (!checkPath(path, ['paths', at], findings)) return;
      const around = paths.find((other, place) => place !== at && isWithin(path, other));
      if (around !== undefined) findings.warning(['paths', at], 'paths-overlap', `${path} lies in ${around}.`);
    });
    exclusions.forEach((path, at) => {
      if (checkPath(path, ['exclusions', at], findings) && !paths.some((folder) => isWithin(path, folder))) {
        findings.notice(['exclusions', at], 'exclusion-elsewhere', `${path} is not scanned anyway.`);
      }
    });
    const quarantine = settings['quarantine-folder'];
    if (quarantine !== undefined) checkPath(quarantine, ['quarantine-folder'], findings);
    else if (settings['on-detection'] === 'quarantine') {
      findings.error(['quarantine-folder'], 'quarantine-missing', 'There is no folder for the quarantine.');
    }
  },

  translate({ paths = [], exclusions = [], ...settings }, { platform }) {
    if (platform !== 'linux') throw new Unsupported(`${platform} is not known.`);
    const step = run(
      'scanner',
      `--depth=${settings.depth ?? 100}`,
      `--largest-file=${settings['largest-file'] ?? 100000000}`,
      `--archives=${settings.archives ?? true}`,
      `--mail=${settings.mail ?? true}`,
      `--threads=${settings.threads ?? 1}`,
      `--heuristics=${settings.heuristics ?? 'low'}`,
    );
    if (settings['on-detection'] === 'quarantine') step.args(`--quarantine=${settings['quarantine-folder']}`);
    return step.args(...exclusions.map((path) => `--exclude=${path}`), ...paths);
  },
};

export const { describe, validate, translate } = plugin({
  application: 'org.example.language',
  name: 'Language',
  vendor: 'Example',
  version: '1.0.0',
  manages: '*',
  taskTypes: [scan],
});
