import type { Exports } from './index.js';

/**
 * Registers a test for each folder below `cases`, and one for the examples of the description, with
 * Node's test runner. With the environment variable `UPDATE_CASES=1` answers are written instead of
 * compared; look at the difference before you keep it.
 *
 * | file | what it holds |
 * |---|---|
 * | `task.json` | `task-type`, `settings`, and a `profile` where it matters |
 * | `verdict.json` | what `validate` answers |
 * | `command.json` | what `translate` answers for the profile |
 * | `report.json` | a device's report; where it is missing, `interpret` is not asked |
 * | `outcome.json` | what `interpret` answers to the report |
 */
export function cases(plugin: Partial<Exports>, folder: URL | string): void;
