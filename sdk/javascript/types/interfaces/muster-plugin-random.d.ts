/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/random@1.0.0' {
  /**
   * So many bytes, from the generator of the server's operating system or one that it seeds.
   */
  export function bytes(length: number): Uint8Array;
  export type Unforeseen = import('muster:plugin/types@1.0.0').Unforeseen;
  export type RandomFailure = RandomFailureDenied | RandomFailureTooLarge | RandomFailureOther;
  /**
   * It was not granted, or was withdrawn. In `describe` nothing is granted.
   */
  export interface RandomFailureDenied {
    tag: 'denied',
  }
  /**
   * One call gets at most so many bytes in all: 64 KiB.
   */
  export interface RandomFailureTooLarge {
    tag: 'too-large',
    val: number,
  }
  export interface RandomFailureOther {
    tag: 'other',
    val: Unforeseen,
  }
}
