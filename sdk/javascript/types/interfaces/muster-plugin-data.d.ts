/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/data@1.0.0' {
  /**
   * All of them, sorted by name.
   */
  export function listFiles(): Array<DataFile>;
  /**
   * A part of a file. Fewer bytes than asked for come only at the file's end; none come beyond it.
   */
  export function read(name: string, offset: bigint, length: number): Uint8Array;
  export type Unforeseen = import('muster:plugin/types@1.0.0').Unforeseen;
  export interface DataFile {
    name: string,
    /**
     * In bytes.
     */
    size: bigint,
    more: Array<[string, string]>,
  }
  export type DataFailure = DataFailureNotFound | DataFailureTooLarge | DataFailureOther;
  /**
   * No data file has this name.
   */
  export interface DataFailureNotFound {
    tag: 'not-found',
  }
  /**
   * A part has at most so many bytes: 1 MiB.
   */
  export interface DataFailureTooLarge {
    tag: 'too-large',
    val: number,
  }
  export interface DataFailureOther {
    tag: 'other',
    val: Unforeseen,
  }
}
