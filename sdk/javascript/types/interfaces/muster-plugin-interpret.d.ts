/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/interpret@1.0.0' {
  /**
   * Reads reports of one task, from several devices. Exactly one outcome for each, in the same
   * order. `settings` are those the devices worked by. A report is as true as the device that
   * sent it: treat its text as hostile.
   */
  export function interpret(taskType: string, settings: Json, reports: Array<Report>): Array<Outcome>;
  export type Json = import('muster:plugin/types@1.0.0').Json;
  export type StepEnd = StepEndExited | StepEndSignalled | StepEndTimedOut | StepEndStopped | StepEndNotStarted;
  export interface StepEndExited {
    tag: 'exited',
    val: number,
  }
  /**
   * Ended by a signal that the agent did not send.
   */
  export interface StepEndSignalled {
    tag: 'signalled',
    val: number,
  }
  /**
   * The agent ended it at its time limit.
   */
  export interface StepEndTimedOut {
    tag: 'timed-out',
  }
  /**
   * The agent ended it: an administrator stopped the task, or its application stopped.
   */
  export interface StepEndStopped {
    tag: 'stopped',
  }
  /**
   * It could not be started, and why.
   */
  export interface StepEndNotStarted {
    tag: 'not-started',
    val: string,
  }
  export interface StepReport {
    program: string,
    end: StepEnd,
    /**
     * Milliseconds.
     */
    duration: bigint,
    /**
     * Start and end of the output, standard output and standard error in the order in which
     * they came. Bytes that are not UTF-8 are replaced by U+FFFD.
     */
    head: string,
    tail: string,
    /**
     * The lines that the step asked to keep.
     */
    lines: Array<string>,
    /**
     * How many lines matched but were beyond the limit.
     */
    linesLeftOut: bigint,
  }
  /**
   * What came of one delivery.
   */
  export interface Report {
    /**
     * The steps that were begun, in order.
     */
    steps: Array<StepReport>,
    more: Array<[string, string]>,
  }
  /**
   * # Variants
   * 
   * ## `"succeeded"`
   * 
   * ## `"warning"`
   * 
   * It was done, and somebody should look.
   * ## `"failed"`
   */
  export type OutcomeStatus = 'succeeded' | 'warning' | 'failed';
  export interface Event {
    /**
     * One of the task type's event types.
     */
    eventType: string,
    /**
     * One sentence for people, at most 1,000 bytes.
     */
    text: string,
    /**
     * An object as the event type's schema says.
     */
    fields: Json,
  }
  export interface Outcome {
    status: OutcomeStatus,
    needsRestart: boolean,
    /**
     * One sentence, at most 1,000 bytes: `2 threats found in 3,120 files`.
     */
    summary: string,
    /**
     * At most 10,000.
     */
    events: Array<Event>,
    more: Array<[string, string]>,
  }
}
