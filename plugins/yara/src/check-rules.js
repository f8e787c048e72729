// Whether rules compile on a device: for the version of YARA that is there, with its modules.

import { event, exitStatus, failed, lastStep, outputLines, run, succeeded, trouble, warning } from 'muster-sdk';
import * as rules from './rules.js';

/** @type {import('muster-sdk').TaskType<rules.RulesSettings>} */
export const checkRules = {
  id: 'check-rules',
  title: 'Check rules',
  summary: 'Compiles YARA rules on the device, and tells what is wrong with them. No file is looked at.',
  kinds: ['local', 'group', 'global'],
  settings: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: rules.properties,
    additionalProperties: false,
  },
  examples: [
    { title: 'A rule of one text', settings: { rules: 'rule Marker { strings: $a = "MARKER" condition: $a }' } },
  ],
  needs: 'installed',
  timeLimit: 300,
  eventTypes: [
    {
      id: 'rule-fault',
      title: 'Fault in a rule',
      severity: 'warning',
      fields: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
    },
  ],

  validate: rules.check,

  translate(settings, profile) {
    rules.checkPlatform(profile);
    const step = rules.give(run('yarac'), settings).args('/dev/null');
    return step.status(0, 0, 'succeeded').status(1, 1, 'warning').keepEnds(8192, 1024);
  },

  interpret(_settings, report) {
    const why = trouble(report);
    const step = lastStep(report, 'yarac');
    if (why !== undefined || step === undefined) return failed(why ?? 'The rules were not compiled.');
    const faults = outputLines(step).filter((line) => /^(error|warning): /.test(line));
    const events = faults.map((message) => event('rule-fault', message, { message }));
    if (exitStatus(step) !== 0) {
      const first = faults.find((line) => line.startsWith('error')) ?? outputLines(step).at(-1);
      return failed(`The rules do not compile: ${first ?? 'yarac does not say why'}.`).with(events);
    }
    return faults.length > 0 ? warning('The rules compile, with warnings.').with(events) : succeeded('The rules compile.');
  },
};
