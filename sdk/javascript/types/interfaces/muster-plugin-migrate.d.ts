/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/migrate@1.0.0' {
  /**
   * Settings of `from-version` in, settings of the version that `describe` names out.
   */
  export function migrate(taskType: string, fromVersion: number, settings: Json): Json;
  export type Json = import('muster:plugin/types@1.0.0').Json;
  export type Failure = import('muster:plugin/types@1.0.0').Failure;
}
