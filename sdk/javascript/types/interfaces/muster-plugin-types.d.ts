declare module 'muster:plugin/types@1.0.0' {
  /**
   * A JSON text (RFC 8259), UTF-8.
   */
  export type Json = string;
  /**
   * How much a finding weighs.
   * # Variants
   * 
   * ## `"error"`
   * 
   * The settings cannot be used.
   * ## `"warning"`
   * 
   * They can be used; the administrator is told, and the text stays with the task.
   * ## `"notice"`
   * 
   * For information only.
   */
  export type Level = 'error' | 'warning' | 'notice';
  /**
   * One thing that was found in the settings. Report all of them at once, not only the first.
   */
  export interface Finding {
    level: Level,
    /**
     * A JSON Pointer (RFC 6901) to the place in the settings; the empty string is the whole.
     */
    pointer: string,
    /**
     * Stable and lower-case with hyphens, such as `paths-overlap`. Programs and translations
     * rely on it.
     */
    code: string,
    /**
     * One sentence in English for people: what is wrong, and what would be right.
     */
    text: string,
    /**
     * The values that `text` speaks of, by name, so that the sentence can be translated.
     */
    params: Array<[string, string]>,
  }
  /**
   * What a capability could not do, for a reason that this version of the contract has no word for.
   */
  export interface Unforeseen {
    /**
     * Stable and lower-case with hyphens, such as `disk-failed`.
     */
    code: string,
    /**
     * One sentence in English, for a log.
     */
    text: string,
    more: Array<[string, string]>,
  }
  /**
   * Why a function could not give an answer.
   */
  export type Failure = FailureUnknownTaskType | FailureInvalid | FailureInternal;
  /**
   * `describe` names no such task type.
   */
  export interface FailureUnknownTaskType {
    tag: 'unknown-task-type',
  }
  /**
   * The settings cannot be used; at least one finding has the level `error`.
   */
  export interface FailureInvalid {
    tag: 'invalid',
    val: Array<Finding>,
  }
  /**
   * Anything else, in one sentence. The administrator sees it as a fault of the plug-in.
   */
  export interface FailureInternal {
    tag: 'internal',
    val: string,
  }
}
