/// <reference path="./interfaces/muster-plugin-clock.d.ts" />
/// <reference path="./interfaces/muster-plugin-data.d.ts" />
/// <reference path="./interfaces/muster-plugin-describe.d.ts" />
/// <reference path="./interfaces/muster-plugin-files.d.ts" />
/// <reference path="./interfaces/muster-plugin-interpret.d.ts" />
/// <reference path="./interfaces/muster-plugin-log.d.ts" />
/// <reference path="./interfaces/muster-plugin-migrate.d.ts" />
/// <reference path="./interfaces/muster-plugin-random.d.ts" />
/// <reference path="./interfaces/muster-plugin-translate.d.ts" />
/// <reference path="./interfaces/muster-plugin-types.d.ts" />
/// <reference path="./interfaces/muster-plugin-validate.d.ts" />
declare module 'muster:plugin/everything@1.0.0' {
  export type * as MusterPluginClock100 from 'muster:plugin/clock@1.0.0'; // import muster:plugin/clock@1.0.0
  export type * as MusterPluginData100 from 'muster:plugin/data@1.0.0'; // import muster:plugin/data@1.0.0
  export type * as MusterPluginFiles100 from 'muster:plugin/files@1.0.0'; // import muster:plugin/files@1.0.0
  export type * as MusterPluginLog100 from 'muster:plugin/log@1.0.0'; // import muster:plugin/log@1.0.0
  export type * as MusterPluginRandom100 from 'muster:plugin/random@1.0.0'; // import muster:plugin/random@1.0.0
  export type * as MusterPluginTypes100 from 'muster:plugin/types@1.0.0'; // import muster:plugin/types@1.0.0
  export * as interpret from 'muster:plugin/interpret@1.0.0'; // export muster:plugin/interpret@1.0.0
  export * as migrate from 'muster:plugin/migrate@1.0.0'; // export muster:plugin/migrate@1.0.0
  export * as describe from 'muster:plugin/describe@1.0.0'; // export muster:plugin/describe@1.0.0
  export * as validate from 'muster:plugin/validate@1.0.0'; // export muster:plugin/validate@1.0.0
  export * as translate from 'muster:plugin/translate@1.0.0'; // export muster:plugin/translate@1.0.0
}
