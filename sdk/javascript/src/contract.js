// The contract's records as they are in files, and as they are in JavaScript.
//
// In files names have hyphens, an absent value is null, and a variant is `"name"` or `{"name": value}`.

/** A value of the contract as it is written in files. */
export function written(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object') return value;
  if ('tag' in value) return value.val === undefined ? value.tag : { [value.tag]: written(value.val) };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [hyphened(name), written(inner)]));
}

const hyphened = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A profile from a file; Linux on x86_64 without facts if there is none. */
export function profileOf(file = {}) {
  return {
    platform: file.platform ?? 'linux',
    architecture: file.architecture ?? 'x86_64',
    applicationVersion: file['application-version'] ?? undefined,
    facts: (file.facts ?? []).map(([name, value]) => [name, value ?? undefined]),
    devices: file.devices ?? 1,
  };
}

/** A report from a file. */
export function reportOf(file) {
  return {
    steps: file.steps.map((step) => ({
      program: step.program,
      end: endOf(step.end),
      duration: BigInt(step.duration),
      head: step.head,
      tail: step.tail,
      lines: step.lines,
      linesLeftOut: BigInt(step['lines-left-out']),
    })),
    more: file.more ?? [],
  };
}

function endOf(file) {
  if (typeof file === 'string') return { tag: file };
  const [[tag, val]] = Object.entries(file);
  return { tag, val };
}
