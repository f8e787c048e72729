// Rules: the text of them in the settings, or a file on the device.

import { checkPath, Unsupported } from 'muster-sdk';

/** @typedef {{ rules?: string, 'rules-file'?: string }} RulesSettings */

export const properties = {
  rules: {
    title: 'Rules',
    description: 'The text of YARA rules. They are sent to the device with the task.',
    type: 'string',
    minLength: 1,
    maxLength: 65536,
  },
  'rules-file': {
    title: 'File with rules',
    description: 'A file of YARA rules that is on the device already, from / on. Give either this or rules.',
    type: 'string',
    minLength: 1,
    maxLength: 4096,
  },
};

// Where a program that wants a file finds its standard input.
const INPUT = '/dev/stdin';

/**
 * @param {RulesSettings} settings
 * @param {import('muster-sdk').Findings} findings
 */
export function check(settings, findings) {
  const { rules, 'rules-file': file } = settings;
  if (rules === undefined && file === undefined) {
    findings.error([], 'rules-missing', 'There are no rules; write them in rules, or name a file in rules-file.');
    return;
  }
  if (rules !== undefined && file !== undefined) {
    findings.error(['rules-file'], 'rules-twice', 'There are rules and a file of rules; give one of them.');
  }
  if (file !== undefined) checkPath(file, ['rules-file'], findings);
  if (rules !== undefined) checkText(rules, findings);
}

/**
 * @param {string} rules
 * @param {import('muster-sdk').Findings} findings
 */
function checkText(rules, findings) {
  const code = withoutTexts(rules);
  const names = namesIn(code);
  if (names.length === 0) {
    findings.error(['rules'], 'rules-without-a-rule', 'The text holds no rule; a rule is written as rule NAME { condition: … }.');
  }
  const seen = new Set();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) {
    findings.error(['rules'], 'rule-twice', `The rule ${twice} is there twice; YARA takes each name once.`, { rule: twice });
  }
  // It would name files of the device, and what YARA says of their syntax would tell what is in them.
  if (/(^|\s)include\s*"/m.test(code)) {
    findings.error(['rules'], 'rules-include-files', 'The rules include other files; put all of them into the text.');
  }
}

/**
 * The names of the rules in a text, in their order; none if the rules are not ours to see.
 *
 * @param {RulesSettings} settings
 */
export function names({ rules }) {
  return rules === undefined ? undefined : new Set(namesIn(withoutTexts(rules)));
}

/** @param {string} code */
function namesIn(code) {
  return [...code.matchAll(/\brule\s+([A-Za-z_]\w*)/g)].map(([, name]) => name ?? '');
}

/**
 * Rules without comments and regular expressions, and with nothing in their texts: what is left is what
 * YARA reads as words. A slash is nothing else there; to divide is a backslash.
 *
 * @param {string} rules
 */
function withoutTexts(rules) {
  // One that is not closed goes on to its end: to look for it again from each place in it would take minutes.
  return rules.replace(/"(?:\\.|[^"\\\n])*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\/(?:\\.|[^/\\\n])*\/?/g, (found) => (found.startsWith('"') ? '""' : ' '));
}

/**
 * A step that reads rules, with them in its arguments or on its input.
 *
 * @param {import('muster-sdk').Step} step
 * @param {RulesSettings} settings
 */
export function give(step, settings) {
  if (settings['rules-file'] !== undefined) return step.args(settings['rules-file']);
  return step.args(INPUT).input(settings.rules ?? '');
}

/** @param {import('muster-sdk').Profile} profile */
export function checkPlatform({ platform }) {
  if (platform !== 'linux') {
    throw new Unsupported(`Rules reach YARA by ${INPUT}, which ${platform} does not have.`);
  }
}
