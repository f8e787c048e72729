// Findings: what is wrong, or worth a word, in settings.

import { cut, plain, whole } from './text.js';

/** Findings that a server takes in one answer. */
const MOST = 1000;
/** Bytes of a text, or of a param, that a server takes, less a little. */
const LONGEST = 3990;

/** A JSON Pointer (RFC 6901) from the steps to a place: `pointer('paths', 3)` is `/paths/3`. */
export function pointer(...steps) {
  return steps
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

/** All that was found in the settings of one task. */
export class Findings {
  constructor() {
    this.all = [];
  }

  /** The settings cannot be used. */
  error(place, code, text, params) {
    return this.#add('error', place, code, text, params);
  }

  /** They can be used, and the administrator is told. */
  warning(place, code, text, params) {
    return this.#add('warning', place, code, text, params);
  }

  /** For information only. */
  notice(place, code, text, params) {
    return this.#add('notice', place, code, text, params);
  }

  /** Whether one of them refuses the settings. */
  get anyError() {
    return this.all.some((finding) => finding.level === 'error');
  }

  #add(level, place, code, text, params = {}) {
    this.all.push({
      level,
      pointer: Array.isArray(place) ? pointer(...place) : place,
      code,
      // A sentence may quote a setting, which can be long and hold anything.
      text: plain(text, LONGEST + 3),
      params: Object.entries(params).map(([name, value]) => [name, cut(whole(value), LONGEST)]),
    });
    return this;
  }
}

/** As many as a server takes, errors before others; the last one tells how many are left out. */
export function bounded(findings) {
  const { all } = findings;
  if (all.length <= MOST) return findings;
  const isError = ({ level }) => level === 'error';
  const kept = new Findings();
  const ordered = [...all.filter(isError), ...all.filter((finding) => !isError(finding))];
  kept.all.push(...ordered.slice(0, MOST - 1));
  return kept.notice('', 'findings-left-out', `${all.length - (MOST - 1)} more findings are left out.`);
}
