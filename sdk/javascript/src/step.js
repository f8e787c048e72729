// Building the steps of a command.

const KEPT = 4096;
const literal = (val) => ({ tag: 'literal', val: String(val) });
const secret = (val) => ({ tag: 'secret', val: String(val) });

/** One program to run; its fields are those of the contract. */
export class Step {
  constructor(program) {
    this.program = program;
    this.arguments = [];
    this.environment = [];
    this.standardInput = undefined;
    this.timeLimit = undefined;
    this.statuses = [];
    this.progress = undefined;
    this.keep = { head: KEPT, tail: KEPT, lines: undefined, mostLines: 0 };
    this.more = [];
  }

  /** More arguments. */
  args(...texts) {
    this.arguments.push(...texts.map(literal));
    return this;
  }

  /** A variable of its environment. */
  env(name, text) {
    this.environment.push([name, literal(text)]);
    return this;
  }

  /** A variable of its environment, whose value is a secret in the server's vault. */
  envSecret(name, secretName) {
    this.environment.push([name, secret(secretName)]);
    return this;
  }

  /** What is written to its standard input. */
  input(text) {
    this.standardInput = literal(text);
    return this;
  }

  /** A secret in the server's vault as its standard input, without a line end. */
  inputSecret(name) {
    this.standardInput = secret(name);
    return this;
  }

  /** Seconds for this step alone. */
  within(seconds) {
    this.timeLimit = seconds;
    return this;
  }

  /** What the statuses from `first` to `last` mean. Once there is one, any other means failed, 0 too. */
  status(first, last, meaning) {
    this.statuses.push({ first, last, meaning });
    return this;
  }

  /** How progress shows in its output. */
  progressBy(pattern, role) {
    this.progress = { pattern, role };
    return this;
  }

  /** How many bytes of its output are kept from the start and from the end. */
  keepEnds(head, tail) {
    Object.assign(this.keep, { head, tail });
    return this;
  }

  /** Which lines are kept wherever they stand, and how many at most. */
  keepLines(pattern, mostLines) {
    Object.assign(this.keep, { lines: pattern, mostLines });
    return this;
  }
}

/**
 * A program, by the connector's name for it. It gets no arguments and no input, 0 means that it
 * succeeded, and 4 KiB of its output are kept from the start and from the end.
 */
export function run(program, ...args) {
  return new Step(program).args(...args);
}

/** Thrown by `translate`: the application cannot do such a task on such a device. */
export class Unsupported extends Error {
  constructor(text) {
    super(text);
    this.name = 'Unsupported';
  }
}
