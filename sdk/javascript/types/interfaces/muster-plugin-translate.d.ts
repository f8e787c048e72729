/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/translate@1.0.0' {
  /**
   * Puts a task into the terms of each profile. Exactly one answer for each, in the same order.
   * The answer depends on the profile alone, so that a device which is switched off has one too.
   */
  export function translate(taskType: string, settings: Json, profiles: Array<Profile>): Array<Result<Command, Refusal>>;
  export type Json = import('muster:plugin/types@1.0.0').Json;
  export type Finding = import('muster:plugin/types@1.0.0').Finding;
  /**
   * Devices that are alike in all that the translation may depend on.
   */
  export interface Profile {
    /**
     * `linux`, `windows`, `macos`, …
     */
    platform: string,
    /**
     * `x86_64`, `aarch64`, …
     */
    architecture: string,
    /**
     * Of the application on the device; none where it is not installed.
     */
    applicationVersion?: string,
    /**
     * Exactly the facts that the task type named, in its order; none where a device has no such
     * fact.
     */
    facts: Array<[string, string | undefined]>,
    /**
     * How many devices are of this profile. For information: the answer must not depend on it.
     */
    devices: number,
  }
  export type Value = ValueLiteral | ValueSecret;
  export interface ValueLiteral {
    tag: 'literal',
    val: string,
  }
  /**
   * The name of a secret in the server's vault; the value never passes through a plug-in.
   */
  export interface ValueSecret {
    tag: 'secret',
    val: string,
  }
  /**
   * # Variants
   * 
   * ## `"succeeded"`
   * 
   * ## `"warning"`
   * 
   * The program did its work and has something to say, such as "found". The command goes on.
   * ## `"failed"`
   * 
   * The command ends here.
   * ## `"needs-restart"`
   * 
   * It worked, and takes effect after a restart of the device.
   * ## `"done"`
   * 
   * It worked, and nothing is left to do: the rest of the command is passed over.
   */
  export type Meaning = 'succeeded' | 'warning' | 'failed' | 'needs-restart' | 'done';
  /**
   * Statuses `first` to `last`, both included.
   */
  export interface StatusMeaning {
    first: number,
    last: number,
    meaning: Meaning,
  }
  /**
   * # Variants
   * 
   * ## `"report"`
   * 
   * A matching line tells progress itself, by its named groups: `percent`, or `done` and
   * `total`; and `message`.
   * ## `"count-total"`
   * 
   * Each matching line adds one to the total that a later step counts to.
   * ## `"count-done"`
   * 
   * Each matching line is one of the total done; a named group `message` is shown.
   */
  export type ProgressRole = 'report' | 'count-total' | 'count-done';
  /**
   * How a device tells progress from a program's output lines, standard output and standard
   * error alike. Lines end with a line feed or a carriage return.
   */
  export interface ProgressRule {
    /**
     * A regular expression (syntax of the Rust crate `regex`, at most 1,000 bytes).
     */
    pattern: string,
    role: ProgressRole,
  }
  /**
   * Which output comes back with the report. What is beyond is counted, not kept.
   */
  export interface KeptOutput {
    /**
     * Bytes from the start, at most 64 KiB.
     */
    head: number,
    /**
     * Bytes from the end, at most 64 KiB.
     */
    tail: number,
    /**
     * A regular expression: the lines that it matches are kept wherever they stand, so that a
     * finding in the middle of a million lines is not lost.
     */
    lines?: string,
    /**
     * At most so many of them, up to 10,000.
     */
    mostLines: number,
  }
  export interface Step {
    /**
     * A name that the connector on the device maps to a program. A plug-in never names a path:
     * which programs may be run is the say of the device's owner.
     */
    program: string,
    arguments: Array<Value>,
    /**
     * The whole environment beside the little that the agent sets (`PATH`, `LANG=C`, `HOME`).
     */
    environment: Array<[string, Value]>,
    /**
     * Written to standard input, which is then closed. None: standard input is empty.
     */
    standardInput?: Value,
    /**
     * Seconds for this step alone, within the time limit of the task.
     */
    timeLimit?: number,
    /**
     * What exit statuses mean; a status that is not listed means `failed`. With an empty list 0
     * means `succeeded`.
     */
    statuses: Array<StatusMeaning>,
    progress?: ProgressRule,
    keep: KeptOutput,
    more: Array<[string, string]>,
  }
  /**
   * What a device does: its steps in order. A step whose status means `failed` ends the command.
   */
  export interface Command {
    /**
     * At least one, at most 32.
     */
    steps: Array<Step>,
    more: Array<[string, string]>,
  }
  export type Refusal = RefusalUnsupported | RefusalUnknownTaskType | RefusalInvalid | RefusalInternal;
  /**
   * The application cannot do such a task on such a device; a sentence for people.
   */
  export interface RefusalUnsupported {
    tag: 'unsupported',
    val: string,
  }
  export interface RefusalUnknownTaskType {
    tag: 'unknown-task-type',
  }
  export interface RefusalInvalid {
    tag: 'invalid',
    val: Array<Finding>,
  }
  export interface RefusalInternal {
    tag: 'internal',
    val: string,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
