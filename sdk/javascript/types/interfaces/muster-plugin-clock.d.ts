/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/clock@1.0.0' {
  /**
   * The time at which this call began, by the server's clock: milliseconds since
   * 1970-01-01T00:00:00Z, without leap seconds. It is the same in the whole call, so that all
   * answers of a batch speak of one time, and nothing can be measured with it.
   */
  export function now(): bigint;
  export type Unforeseen = import('muster:plugin/types@1.0.0').Unforeseen;
  export type ClockFailure = ClockFailureDenied | ClockFailureOther;
  /**
   * It was not granted, or was withdrawn. In `describe` nothing is granted.
   */
  export interface ClockFailureDenied {
    tag: 'denied',
  }
  export interface ClockFailureOther {
    tag: 'other',
    val: Unforeseen,
  }
}
