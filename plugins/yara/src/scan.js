// The scan: a step for each folder, each with the same rules.
//
// YARA exits with 0 whether it found something or not, and also when it could not read a file in a
// folder, so its lines decide. A finding is `RULE [tags] /path`, as `--print-tags` has it.

import { barePath, checkPath, event, exitStatus, failed, isWithin, run, sentence, succeeded, trouble, warning } from 'muster-sdk';
import * as rules from './rules.js';

/**
 * @typedef {rules.RulesSettings & {
 *   paths: string[], recursive?: boolean, 'follow-links'?: boolean, 'largest-file'?: number,
 *   tag?: string, 'fast-mode'?: boolean, threads?: number, 'time-per-folder'?: number,
 * }} ScanSettings
 */

const FINDING = /^([A-Za-z_]\w*) \[([\w,]*)\] (\/.*)$/;
const UNREAD = /^error scanning (.*?): (.*)$/;
const FAULT = /^error: (.*)$/;
/** What the agent keeps of all that YARA prints. */
const KEPT = '^[A-Za-z_][A-Za-z0-9_]* \\[[A-Za-z0-9_,]*\\] /|^error( scanning .*)?: ';

/** @type {import('muster-sdk').TaskType<ScanSettings>} */
export const scan = {
  id: 'scan',
  title: 'Scan for indicators',
  summary: 'Looks through files for what YARA rules describe, and tells which rule matched in which file.',
  kinds: ['local', 'group', 'global'],
  settings: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      paths: {
        title: 'Folders and files',
        description: 'Where to look, from / on.',
        type: 'array',
        items: { type: 'string', minLength: 1, maxLength: 4096 },
        minItems: 1,
        maxItems: 32,
        uniqueItems: true,
      },
      ...rules.properties,
      recursive: { title: 'With subfolders', description: 'Look through folders in folders too.', type: 'boolean', default: true },
      'follow-links': { title: 'Follow links', description: 'Look at what symbolic links lead to.', type: 'boolean', default: false },
      'largest-file': {
        title: 'Largest file',
        description: 'Files of more bytes are passed over when a folder is scanned. Without it, all are read.',
        type: 'integer',
        minimum: 1,
        maximum: 2147483647,
      },
      tag: {
        title: 'Tag',
        description: 'Only rules with this tag count. Without it, all do.',
        type: 'string',
        pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$',
      },
      'fast-mode': { title: 'Fast mode', description: 'Stop at the first match of each text in a file.', type: 'boolean', default: true },
      threads: { title: 'Threads', description: 'How many files are read at once.', type: 'integer', minimum: 1, maximum: 32, default: 1 },
      'time-per-folder': {
        title: 'Time for each folder',
        description: 'Seconds after which YARA gives a folder up.',
        type: 'integer',
        minimum: 1,
        maximum: 86400,
        default: 3600,
      },
    },
    required: ['paths'],
    additionalProperties: false,
  },
  examples: [
    {
      title: 'A marker in home folders',
      settings: { paths: ['/home'], rules: 'rule Marker : test { strings: $a = "MARKER" condition: $a }' },
    },
    { title: 'Rules of the device', settings: { paths: ['/srv', '/var/www'], 'rules-file': '/etc/yara/web.yar', 'largest-file': 10000000 } },
  ],
  needs: 'installed',
  timeLimit: 7200,
  eventTypes: [
    {
      id: 'indicator-found',
      title: 'Indicator found',
      severity: 'critical',
      fields: {
        type: 'object',
        properties: {
          rule: { type: 'string' },
          tags: { type: 'array', items: { type: 'string' } },
          file: { type: 'string' },
        },
        required: ['rule', 'tags', 'file'],
      },
    },
    {
      id: 'file-not-read',
      title: 'File not read',
      severity: 'warning',
      fields: {
        type: 'object',
        properties: { file: { type: 'string' }, reason: { type: 'string' } },
        required: ['file', 'reason'],
      },
    },
  ],

  validate(settings, findings) {
    rules.check(settings, findings);
    const paths = settings.paths ?? [];
    paths.forEach((path, at) => {
      if (!checkPath(path, ['paths', at], findings)) return;
      const around = paths.find((other, place) => place !== at && isWithin(path, other) && (barePath(path) !== barePath(other) || place < at));
      if (around !== undefined && (settings.recursive ?? true)) {
        findings.warning(['paths', at], 'paths-overlap', `${path} lies in ${around} and would be scanned twice.`, { path, around });
      }
    });
  },

  translate(settings, profile) {
    rules.checkPlatform(profile);
    return settings.paths.map((path) => step(settings, path));
  },

  interpret(settings, report) {
    const why = trouble(report);
    const read = reading(settings, report);
    const { found, unread, faults, odd, leftOut } = read;
    const events = [
      ...found.map(({ rule, tags, file }) => event('indicator-found', `The rule ${rule} matches in ${file}.`, { rule, tags, file })),
      ...unread.map(({ file, reason }) => event('file-not-read', `${file} was not read: ${reason}.`, { file, reason })),
    ];
    if (why !== undefined || faults.length > 0 || !read.finished) {
      const reason = why ?? whyNot(faults, unread);
      return failed(found.length > 0 ? `${reason} Found before: ${told(found)}` : reason).with(events);
    }
    const remarks = [
      unread.length > 0 ? ` ${count(unread.length, 'file')} could not be read.` : '',
      odd > 0 ? ` ${count(odd, 'line')} of the output could not be understood.` : '',
      leftOut > 0n ? ` ${leftOut} more lines were left out.` : '',
    ].join('');
    if (found.length > 0) return warning(told(found) + remarks).with(events);
    return remarks === '' ? succeeded('No indicator was found.') : warning(`No indicator was found.${remarks}`).with(events);
  },
};

/**
 * @param {ScanSettings} settings
 * @param {string} path
 */
function step(settings, path) {
  const one = run('yara', '--print-tags', '--no-warnings', `--timeout=${settings['time-per-folder'] ?? 3600}`);
  one.args(`--threads=${settings.threads ?? 1}`);
  if (settings.recursive ?? true) one.args('--recursive');
  if (!(settings['follow-links'] ?? false)) one.args('--no-follow-symlinks');
  if (settings['fast-mode'] ?? true) one.args('--fast-scan');
  if (settings['largest-file'] !== undefined) one.args(`--skip-larger=${settings['largest-file']}`);
  if (settings.tag !== undefined) one.args(`--tag=${settings.tag}`);
  // 1 is a folder that is not there, as well as a rule that does not compile: the others are scanned.
  return rules
    .give(one, settings)
    .args(barePath(path) || '/')
    .status(0, 0, 'succeeded')
    .status(1, 1, 'warning')
    .keepEnds(0, 2048)
    .keepLines(KEPT, 5000);
}

/**
 * What the lines of all steps say. A device's files choose their own names, and a line break in one
 * makes a line of its own: so a finding counts only for a path that was asked for and, where the
 * rules are known, for one of them.
 *
 * @param {ScanSettings} settings
 * @param {import('muster-sdk').Report} report
 */
function reading(settings, report) {
  const known = rules.names(settings);
  /** @type {{ rule: string, tags: string[], file: string }[]} */
  const found = [];
  /** @type {{ file: string, reason: string }[]} */
  const unread = [];
  /** @type {string[]} */
  const faults = [];
  let odd = 0;
  let leftOut = 0n;
  let finished = false;
  report.steps.forEach((step, number) => {
    const folder = settings.paths?.[number] ?? '/';
    finished ||= exitStatus(step) === 0;
    leftOut += step.linesLeftOut;
    for (const line of step.lines) {
      const [, rule, tags, file] = FINDING.exec(line) ?? [];
      const [, missed, reason] = UNREAD.exec(line) ?? [];
      const [, fault] = FAULT.exec(line) ?? [];
      if (rule !== undefined && tags !== undefined && file !== undefined) {
        if (isWithin(file, folder) && (known?.has(rule) ?? true)) {
          found.push({ rule, tags: tags.split(',').filter((tag) => tag !== ''), file });
        } else odd += 1;
      } else if (missed !== undefined && reason !== undefined) unread.push({ file: missed, reason });
      else if (fault !== undefined) faults.push(sentence(fault));
      else odd += 1;
    }
    if (exitStatus(step) === 1 && step.lines.length === 0) faults.push(sentence(step.tail.trim() || 'nothing'));
  });
  return { found, unread, faults, odd, leftOut, finished };
}

/**
 * @param {string[]} faults
 * @param {{ file: string, reason: string }[]} unread
 */
function whyNot([fault], [first]) {
  if (fault !== undefined) return `YARA says: ${fault}.`;
  return first === undefined ? 'YARA did not scan, and does not say why.' : `Nothing was scanned; ${first.file}: ${first.reason}.`;
}

/** @param {{ rule: string, file: string }[]} found */
function told(found) {
  const files = new Set(found.map(({ file }) => file)).size;
  const matched = new Set(found.map(({ rule }) => rule)).size;
  return `${count(matched, 'rule')} matched in ${count(files, 'file')}.`;
}

/**
 * @param {number} number
 * @param {string} thing
 */
function count(number, thing) {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
