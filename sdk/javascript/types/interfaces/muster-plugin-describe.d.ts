/// <reference path="./muster-plugin-types.d.ts" />
declare module 'muster:plugin/describe@1.0.0' {
  export function describe(): Description;
  export type Json = import('muster:plugin/types@1.0.0').Json;
  export interface CapabilityRequest {
    /**
     * `files`, `clock` or `random`.
     */
    name: string,
    reason: string,
  }
  /**
   * # Variants
   * 
   * ## `"memory"`
   * 
   * ## `"validate-time"`
   * 
   * ## `"batch-time"`
   */
  export type Limit = 'memory' | 'validate-time' | 'batch-time';
  export interface LimitRequest {
    limit: Limit,
    /**
     * MiB for `memory`, milliseconds for the times.
     */
    value: number,
    reason: string,
  }
  /**
   * # Variants
   * 
   * ## `"server"`
   * 
   * Performed on the Administration Server itself.
   * ## `"local"`
   * 
   * For one device.
   * ## `"group"`
   * 
   * For the devices of a group.
   * ## `"global"`
   * 
   * For any set of devices.
   */
  export type TaskKind = 'server' | 'local' | 'group' | 'global';
  /**
   * # Variants
   * 
   * ## `"running"`
   * 
   * The default for most tasks: it waits until the application runs, and is stopped when the
   * application stops.
   * ## `"installed"`
   * 
   * Installed is enough, as for "start the application".
   * ## `"nothing"`
   * 
   * Nothing at all, as for "install the application".
   */
  export type ApplicationState = 'running' | 'installed' | 'nothing';
  /**
   * # Variants
   * 
   * ## `"exclusive"`
   * 
   * No other task of the application runs on the device meanwhile.
   * ## `"destructive"`
   * 
   * It takes something away; a second administrator must approve it.
   * ## `"one-of-a-kind"`
   * 
   * At most one task of this type exists for a device or group.
   */
  export type Mark = 'exclusive' | 'destructive' | 'one-of-a-kind';
  export interface Example {
    title: string,
    settings: Json,
  }
  /**
   * # Variants
   * 
   * ## `"info"`
   * 
   * ## `"warning"`
   * 
   * ## `"critical"`
   */
  export type Severity = 'info' | 'warning' | 'critical';
  export interface EventType {
    /**
     * Lower-case with hyphens, unique in the task type, and stable: `threat-detected`.
     */
    id: string,
    title: string,
    severity: Severity,
    /**
     * JSON Schema 2020-12 of the event's fields. It must accept an object.
     */
    fieldsSchema: Json,
  }
  /**
   * One kind of task, such as `scan`.
   */
  export interface TaskType {
    /**
     * Lower-case with hyphens, at most 64 bytes; unique in the plug-in, and stable.
     */
    id: string,
    title: string,
    /**
     * One or two sentences: what a task of this type does.
     */
    summary: string,
    /**
     * In which kinds of task it may be used; at least one.
     */
    kinds: Array<TaskKind>,
    /**
     * JSON Schema 2020-12 of the settings. Forms and command lines are made from it, and the
     * server checks settings against it before `validate` is called. It must accept an object,
     * and refer to nothing outside itself. Give each property a `title`, a `description` and,
     * where there is one, a `default`.
     */
    settingsSchema: Json,
    /**
     * Counts up when older settings need `migrate`. The first is 1.
     */
    schemaVersion: number,
    /**
     * Settings that are valid, each checked when the plug-in is installed. At least one.
     */
    examples: Array<Example>,
    /**
     * Names of the device facts that `translate` reads, such as `os.id`. A profile holds these
     * and no others, so name as few as you can: devices of one profile share one translation.
     */
    facts: Array<string>,
    /**
     * What the application must be on a device before a task of this type starts there.
     */
    needs: ApplicationState,
    marks: Array<Mark>,
    /**
     * Seconds after which a device stops a task of this type, unless the task says otherwise.
     */
    timeLimit: number,
    /**
     * Events that `interpret` may raise for it.
     */
    eventTypes: Array<EventType>,
    more: Array<[string, string]>,
  }
  /**
   * Everything the server has to know before it calls any other function. It is asked once, when
   * the plug-in is installed, and kept.
   */
  export interface Description {
    /**
     * Reverse domain name of the application, such as `net.clamav.clamav`: letters, digits,
     * hyphens and dots, at most 100 bytes. It names the application for good.
     */
    application: string,
    /**
     * The application's name for people, at most 100 bytes.
     */
    name: string,
    vendor: string,
    /**
     * This plug-in's own version, by Semantic Versioning 2.
     */
    version: string,
    /**
     * The application's versions that it manages, as a requirement such as `>=1.0, <2`.
     * `*` manages all. A device with another version is shown as unsupported.
     */
    manages: string,
    /**
     * Capabilities that it asks for: all of `files`, `clock` and `random` that it imports, each with
     * a reason that an administrator reads. `log` and `data` need no word.
     */
    capabilities: Array<CapabilityRequest>,
    /**
     * Limits that it asks to have raised, each with a reason. How far they go at most, the
     * server's configuration says. `describe` itself must do with the usual ones, unless an
     * administrator grants more beforehand.
     */
    limits: Array<LimitRequest>,
    /**
     * At least one, at most 100.
     */
    taskTypes: Array<TaskType>,
    /**
     * Names and values beyond this version of the contract. Unknown ones are ignored.
     */
    more: Array<[string, string]>,
  }
}
