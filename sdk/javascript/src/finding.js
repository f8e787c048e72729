// Findings: what is wrong, or worth a word, in settings.

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
      text,
      params: Object.entries(params).map(([name, value]) => [name, String(value)]),
    });
    return this;
  }
}
