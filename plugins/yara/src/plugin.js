// Management plug-in for YARA: looks for indicators in the files of devices.
//
// `scan` looks, `check-rules` compiles rules without looking at any file. Where rules come from and
// what they may hold is in `rules.js`.

import { plugin } from 'muster-sdk';
import manifest from '../package.json' with { type: 'json' };
import { checkRules } from './check-rules.js';
import { scan } from './scan.js';

export const { describe, validate, translate, interpret } = plugin({
  application: manifest.muster.application,
  name: 'YARA',
  vendor: 'Muster',
  version: manifest.version,
  manages: '>=4.0, <5',
  taskTypes: [scan, checkRules],
});
