/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/files@1.0.0' {
  /**
   * All of them, sorted by name.
   */
  export function listFiles(): Array<File>;
  /**
   * A part of a file, of at most 1 MiB. Fewer bytes than asked for come only at the file's end;
   * none come beyond it.
   */
  export function read(name: string, offset: bigint, length: number): Uint8Array;
  /**
   * Makes a file, or puts a whole new content in the place of the old one. When it returns, the
   * file is on the disk.
   */
  export function write(name: string, content: Uint8Array): void;
  export function remove(name: string): void;
  /**
   * How full the folder is.
   */
  export function usage(): Space;
  export type Unforeseen = import('muster:plugin/types@1.0.0').Unforeseen;
  export interface File {
    name: string,
    /**
     * In bytes.
     */
    size: bigint,
    more: Array<[string, string]>,
  }
  export interface Space {
    /**
     * Bytes of all files.
     */
    bytes: bigint,
    mostBytes: bigint,
    files: number,
    mostFiles: number,
    more: Array<[string, string]>,
  }
  export type FileFailure = FileFailureDenied | FileFailureReadOnly | FileFailureBadName | FileFailureNotFound | FileFailureTooLarge | FileFailureNoSpace | FileFailureTooManyChanges | FileFailureOther;
  /**
   * It was not granted, or was withdrawn. In `describe` nothing is granted.
   */
  export interface FileFailureDenied {
    tag: 'denied',
  }
  /**
   * This version of the plug-in is only being tried: it reads, and changes nothing.
   */
  export interface FileFailureReadOnly {
    tag: 'read-only',
  }
  /**
   * It is no name of a file here.
   */
  export interface FileFailureBadName {
    tag: 'bad-name',
  }
  export interface FileFailureNotFound {
    tag: 'not-found',
  }
  /**
   * A file, or a part, has at most so many bytes.
   */
  export interface FileFailureTooLarge {
    tag: 'too-large',
    val: number,
  }
  /**
   * The folder would have more bytes or more files than it may.
   */
  export interface FileFailureNoSpace {
    tag: 'no-space',
  }
  /**
   * One call makes at most so many changes.
   */
  export interface FileFailureTooManyChanges {
    tag: 'too-many-changes',
    val: number,
  }
  export interface FileFailureOther {
    tag: 'other',
    val: Unforeseen,
  }
}
