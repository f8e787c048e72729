/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/validate@1.0.0' {
  /**
   * Looks at a task before anyone else does. There is no clock and no network here: the same
   * settings get the same verdict every time.
   * `failure.invalid` and a verdict with errors mean the same; prefer the verdict.
   */
  export function validate(taskType: string, settings: Json): Verdict;
  export type Json = import('muster:plugin/types@1.0.0').Json;
  export type Finding = import('muster:plugin/types@1.0.0').Finding;
  export type Failure = import('muster:plugin/types@1.0.0').Failure;
  export interface Verdict {
    /**
     * Errors refuse the settings; warnings and notices are kept with the task and shown.
     * An empty list: all is well.
     */
    findings: Array<Finding>,
  }
}
