/// <reference path="../types/everything.d.ts" />

import type { Report, StepReport, OutcomeStatus, Event, Outcome as ContractOutcome } from 'muster:plugin/interpret@1.0.0';
import type { Profile, Meaning, ProgressRole, Value, StatusMeaning, ProgressRule, KeptOutput, Step as ContractStep } from 'muster:plugin/translate@1.0.0';
import type { ApplicationState, CapabilityRequest, LimitRequest, Mark, Severity, TaskKind } from 'muster:plugin/describe@1.0.0';
import type { Finding } from 'muster:plugin/types@1.0.0';

export type { Finding, Profile, Report, StepReport, Event, Meaning, ProgressRole };

/** A JSON Schema 2020-12, as an object. */
export type Schema = { [keyword: string]: unknown };

/** A place in the settings: a JSON Pointer, or its steps, such as `['paths', 3]`. */
export type Place = string | ReadonlyArray<string | number>;

/** Who the plug-in is, and which tasks its application knows. */
export interface Definition {
  /** Reverse domain name of the application, such as `net.clamav.clamav`. It names it for good. */
  application: string;
  /** The application's name for people. */
  name: string;
  vendor: string;
  /** This plug-in's own version, by Semantic Versioning 2. */
  version: string;
  /** The application's versions that it manages, such as `>=1.0, <2`. `*` manages all. */
  manages: string;
  /** Capabilities that it asks for, each with a reason that an administrator reads. */
  capabilities?: CapabilityRequest[];
  /** Limits that it asks to have raised, each with a reason. */
  limits?: LimitRequest[];
  // Each has settings of its own.
  taskTypes: TaskType<any>[];
  more?: [string, string][];
}

/** One kind of task, such as `scan`. `S` is the type of its settings. */
export interface TaskType<S = { [name: string]: unknown }> {
  /** Lower-case with hyphens; unique in the plug-in, and stable. */
  id: string;
  title: string;
  /** One or two sentences: what a task of this type does. */
  summary: string;
  /** In which kinds of task it may be used; at least one. */
  kinds: TaskKind[];
  /** The schema of its settings. Give each property a `title`, a `description` and a `default`. */
  settings: Schema;
  /** Counts up when older settings need `migrate`; 1 if it is not given. */
  schemaVersion?: number;
  /** Settings that are valid; at least one. */
  examples: { title: string; settings: S }[];
  /** Names of the device facts that `translate` reads, such as `os.id`. */
  facts?: string[];
  /** What the application must be on a device; `running` if it is not given. */
  needs?: ApplicationState;
  marks?: Mark[];
  /** Seconds after which a device stops a task of this type. */
  timeLimit: number;
  eventTypes?: EventType[];
  more?: [string, string][];

  /**
   * What the schema cannot say. Report all that is wrong at once.
   *
   * The server checks the schema first, but a call may come without: read settings with defaults.
   */
  validate?(settings: S, findings: Findings): void;
  /**
   * The steps for a device of this profile. Settings with errors do not come here.
   * Throw {@link Unsupported} where the application cannot do it.
   */
  translate(settings: S, profile: Profile): Step | Step[];
  /** What a report means. Without it, {@link byEnds} says it. Treat a report's text as hostile. */
  interpret?(settings: S, report: Report): Outcome;
  /** Settings of an older schema version, brought to this one. */
  migrate?(settings: { [name: string]: unknown }, fromVersion: number): S;
}

/** An event that `interpret` may raise. */
export interface EventType {
  /** Lower-case with hyphens, unique in the task type, and stable. */
  id: string;
  title: string;
  severity: Severity;
  /** The schema of its fields; any object if it is not given. */
  fields?: Schema;
}

/** The functions of the contract. `interpret` and `migrate` are there if a task type has one. */
export interface Exports {
  describe: typeof import('muster:plugin/describe@1.0.0');
  validate: typeof import('muster:plugin/validate@1.0.0');
  translate: typeof import('muster:plugin/translate@1.0.0');
  interpret: typeof import('muster:plugin/interpret@1.0.0');
  migrate: typeof import('muster:plugin/migrate@1.0.0');
}

/**
 * Makes the functions that the server calls:
 *
 * ```js
 * export const { describe, validate, translate, interpret } = plugin({ application: …, taskTypes: [scan] });
 * ```
 *
 * Export the names that the plug-in has; the build takes the world that fits.
 */
export function plugin(definition: Definition): Exports;

/** A JSON Pointer (RFC 6901) from the steps to a place: `pointer('paths', 3)` is `/paths/3`. */
export function pointer(...steps: (string | number)[]): string;

/**
 * All that was found in the settings of one task. `code` is stable, lower-case with hyphens; `text`
 * is one sentence that says what is wrong and what would be right; `params` are the values it
 * speaks of, so that it can be translated.
 */
export class Findings {
  readonly all: Finding[];
  /** The settings cannot be used. */
  error(place: Place, code: string, text: string, params?: { [name: string]: unknown }): this;
  /** They can be used, and the administrator is told. */
  warning(place: Place, code: string, text: string, params?: { [name: string]: unknown }): this;
  /** For information only. */
  notice(place: Place, code: string, text: string, params?: { [name: string]: unknown }): this;
  /** Whether one of them refuses the settings. */
  get anyError(): boolean;
}

/**
 * A program to run, by the connector's name for it. It gets no input, 0 means that it succeeded, and
 * 4 KiB of its output are kept from the start and from the end.
 */
export function run(program: string, ...args: (string | number)[]): Step;

/** One program to run. */
export class Step implements ContractStep {
  constructor(program: string);
  program: string;
  arguments: Value[];
  environment: [string, Value][];
  standardInput?: Value;
  timeLimit?: number;
  statuses: StatusMeaning[];
  progress?: ProgressRule;
  keep: KeptOutput;
  more: [string, string][];
  /** More arguments. */
  args(...texts: (string | number)[]): this;
  /** A variable of its environment. */
  env(name: string, text: string): this;
  /** A variable of its environment, whose value is a secret in the server's vault. */
  envSecret(name: string, secretName: string): this;
  /** What is written to its standard input. */
  input(text: string): this;
  /** A secret in the server's vault as its standard input, without a line end. */
  inputSecret(name: string): this;
  /** Seconds for this step alone. */
  within(seconds: number): this;
  /** What the statuses from `first` to `last` mean. Once there is one, any other means failed, 0 too. */
  status(first: number, last: number, meaning: Meaning): this;
  /** How progress shows in its output: a regular expression of the Rust crate `regex`. */
  progressBy(pattern: string, role: ProgressRole): this;
  /** How many bytes of its output are kept from the start and from the end, at most 64 KiB each. */
  keepEnds(head: number, tail: number): this;
  /** Which lines are kept wherever they stand, and how many at most. */
  keepLines(pattern: string, mostLines: number): this;
}

/** Thrown by `translate`: the application cannot do such a task on such a device. */
export class Unsupported extends Error {
  constructor(text: string);
}

/** What came of one delivery. Texts are cut to the contract's length. */
export class Outcome implements ContractOutcome {
  constructor(status: OutcomeStatus, summary: string);
  status: OutcomeStatus;
  needsRestart: boolean;
  summary: string;
  events: Event[];
  more: [string, string][];
  /** The same with events. */
  with(events: Iterable<Event>): this;
  /** The same, and the device has to be restarted. */
  andRestart(): this;
}

/** It was done. */
export function succeeded(summary: string): Outcome;
/** It was done, and somebody should look. */
export function warning(summary: string): Outcome;
/** It was not done. */
export function failed(summary: string): Outcome;
/** What the ends of the steps say by themselves: 0 succeeded, anything else did not. */
export function byEnds(report: Report): Outcome;
/** An event of one of the task type's event types. */
export function event(eventType: string, text: string, fields?: { [name: string]: unknown }): Event;
/** The last step of a program in a report. */
export function lastStep(report: Report, program: string): StepReport | undefined;
/** The exit status of a step, if it ended by itself. */
export function exitStatus(step: StepReport): number | undefined;
/** Why the command did not run to its end, if a step ended in any other way than by itself. */
export function trouble(report: Report): string | undefined;
/** The lines that were kept from start and end of a step's output, without empty ones. */
export function outputLines(step: StepReport): string[];

/** Finds what makes a path of a device unusable; true if it is usable. */
export function checkPath(path: string, place: Place, findings: Findings): boolean;
/** A path without the slashes at its end; empty for the root. */
export function barePath(path: string): string;
/** Whether `path` is `folder`, or lies below it. */
export function isWithin(path: string, folder: string): boolean;

/** The start of a text, at most so many bytes of UTF-8, without cutting a character in two. */
export function cut(text: string, most: number): string;
/** A text of the contract's length, without characters that could fake a line or a colour. */
export function sentence(text: string): string;

/** Lines for the server's log, or for standard error in tests under Node. */
export const log: {
  debug(text: unknown): void;
  info(text: unknown): void;
  warning(text: unknown): void;
  error(text: unknown): void;
};
