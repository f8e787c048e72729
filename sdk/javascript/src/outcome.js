// Outcomes: what a device's report means.

import { bytes, cut, sentence } from './text.js';

const MOST_EVENTS = 10_000;
// An answer may have 4 MiB; something is left for what surrounds the events.
const MOST_BYTES = 3 * 1024 * 1024;

/** What came of one delivery; its fields are those of the contract. */
export class Outcome {
  constructor(status, summary) {
    this.status = status;
    this.needsRestart = false;
    this.summary = sentence(summary);
    this.events = [];
    this.more = [];
  }

  /** The same with events. */
  with(events) {
    for (const one of events) this.events.push(one);
    return this;
  }

  /** The same, and the device has to be restarted. */
  andRestart() {
    this.needsRestart = true;
    return this;
  }
}

/** It was done. */
export const succeeded = (summary) => new Outcome('succeeded', summary);
/** It was done, and somebody should look. */
export const warning = (summary) => new Outcome('warning', summary);
/** It was not done. */
export const failed = (summary) => new Outcome('failed', summary);

/** What the ends of the steps say by themselves: 0 succeeded, anything else did not. */
export function byEnds(report) {
  const why = trouble(report);
  if (why) return failed(why);
  const step = report.steps.at(-1);
  const status = exitStatus(step);
  return status === 0 ? succeeded('Done.') : failed(`${step.program} ended with status ${status}.`);
}

/** An event of one of the task type's event types. */
export function event(eventType, text, fields = {}) {
  return { eventType, text: sentence(text), fields: JSON.stringify(fields) };
}

/** The last step of a program in a report. */
export function lastStep(report, program) {
  return report.steps.findLast((step) => step.program === program);
}

/** The exit status of a step, if it ended by itself. */
export function exitStatus(step) {
  return step.end.tag === 'exited' ? step.end.val : undefined;
}

/** Why the command did not run to its end, if a step ended in any other way than by itself. */
export function trouble(report) {
  if (report.steps.length === 0) return 'The device reported no step.';
  return report.steps.map(stepTrouble).find((why) => why !== undefined);
}

function stepTrouble({ program, end }) {
  const name = cut(program, 64);
  switch (end.tag) {
    case 'exited':
      return undefined;
    case 'signalled':
      return `${name} was ended by signal ${end.val}.`;
    case 'timed-out':
      return `${name} was stopped at its time limit.`;
    case 'stopped':
      return `${name} was stopped.`;
    default:
      return `${name} could not be started: ${end.val}.`;
  }
}

/** The lines that were kept from start and end of a step's output. */
export function outputLines(step) {
  return [step.head, step.tail].flatMap((text) => text.split(/\r\n|\n|\r/)).filter((line) => line !== '');
}

/** Leaves out the last events until an answer with so many outcomes keeps its bounds, and says so. */
export function bounded(outcome, outcomes) {
  const budget = MOST_BYTES / Math.max(1, outcomes);
  const all = outcome.events.length;
  let used = 0;
  let kept = 0;
  for (const one of outcome.events.slice(0, MOST_EVENTS)) {
    used += bytes(one.text) + bytes(one.fields) + one.eventType.length + 64;
    if (used > budget) break;
    kept += 1;
  }
  if (kept < all) {
    outcome.events.length = kept;
    outcome.summary = sentence(
      `${cut(outcome.summary, 900)} (Only the first ${kept} of ${all} events are told.)`,
    );
  }
  return outcome;
}
