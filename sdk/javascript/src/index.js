// What a management plug-in in JavaScript is made with. The types and their words are in index.d.ts.

export { plugin } from './plugin.js';
export { Findings, pointer } from './finding.js';
export { run, Step, Unsupported } from './step.js';
export {
  byEnds,
  event,
  exitStatus,
  failed,
  lastStep,
  Outcome,
  outputLines,
  succeeded,
  trouble,
  warning,
} from './outcome.js';
export { barePath, checkPath, isWithin } from './path.js';
export { cut, sentence } from './text.js';
export { log } from './log.js';
