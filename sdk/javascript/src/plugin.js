// From a plug-in's definition to the functions that the server calls.

import { bounded as boundedFindings, Findings } from './finding.js';
import { log } from './log.js';
import { bounded, byEnds } from './outcome.js';
import { Unsupported } from './step.js';

/**
 * The functions of the contract, for `export const { describe, validate, translate } = plugin(…)`,
 * and `interpret` or `migrate` if a task type has one.
 */
export function plugin(definition) {
  const taskTypes = new Map(definition.taskTypes.map((taskType) => [taskType.id, taskType]));
  // Made once, when the component is built; each call starts from that state.
  const description = describe(definition);
  const exports = {
    describe: { describe: () => description },
    validate: {
      validate: (id, text) =>
        guarded(
          () => ({ findings: check(taskType(taskTypes, id), settingsOf(text)).all }),
          (failure) => {
            throw failure;
          },
        ),
    },
    translate: {
      translate: (id, text, profiles) => translate(taskTypes, id, text, profiles),
    },
  };
  if (definition.taskTypes.some((one) => one.interpret)) {
    exports.interpret = { interpret: (id, text, reports) => interpret(taskTypes, id, text, reports) };
  }
  if (definition.taskTypes.some((one) => one.migrate)) {
    exports.migrate = {
      migrate: (id, fromVersion, text) =>
        guarded(
          () => migrate(taskType(taskTypes, id), fromVersion, settingsOf(text)),
          (failure) => {
            throw failure;
          },
        ),
    };
  }
  return exports;
}

function describe({ taskTypes, capabilities = [], limits = [], more = [], ...rest }) {
  return { ...rest, capabilities, limits, more, taskTypes: taskTypes.map(describeTaskType) };
}

function describeTaskType(taskType) {
  const { validate, translate, interpret, migrate, settings, schemaVersion = 1, ...rest } = taskType;
  const { examples, facts = [], needs = 'running', marks = [], eventTypes = [], more = [], ...named } = rest;
  return {
    ...named,
    settingsSchema: JSON.stringify(settings),
    schemaVersion,
    examples: examples.map(({ title, settings: text }) => ({ title, settings: JSON.stringify(text) })),
    facts,
    needs,
    marks,
    eventTypes: eventTypes.map(({ fields = { type: 'object' }, ...one }) => ({
      ...one,
      fieldsSchema: JSON.stringify(fields),
    })),
    more,
  };
}

function taskType(taskTypes, id) {
  const found = taskTypes.get(id);
  if (!found) throw new Refused({ tag: 'unknown-task-type' });
  return found;
}

function settingsOf(text) {
  let settings;
  try {
    settings = JSON.parse(text);
  } catch (error) {
    throw invalid(new Findings().error('', 'not-json', `The settings are not JSON: ${error.message}.`));
  }
  if (settings === null || typeof settings !== 'object' || Array.isArray(settings)) {
    throw invalid(new Findings().error('', 'not-an-object', 'The settings are not a JSON object.'));
  }
  return settings;
}

function check(taskType, settings) {
  const findings = new Findings();
  taskType.validate?.(settings, findings);
  return boundedFindings(findings);
}

function translate(taskTypes, id, text, profiles) {
  const refuse = (refusal) => profiles.map(() => ({ tag: 'err', val: refusal }));
  return guarded(() => {
    const chosen = taskType(taskTypes, id);
    const settings = settingsOf(text);
    const findings = check(chosen, settings);
    if (findings.anyError) return refuse({ tag: 'invalid', val: findings.all });
    return profiles.map((profile) =>
      guarded(
        () => ({ tag: 'ok', val: command(supported(() => chosen.translate(settings, profile))) }),
        (refusal) => ({ tag: 'err', val: refusal }),
      ),
    );
  }, refuse);
}

function supported(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Unsupported) throw new Refused({ tag: 'unsupported', val: error.message });
    throw error;
  }
}

function command(steps) {
  return { steps: Array.isArray(steps) ? steps : [steps], more: [] };
}

function interpret(taskTypes, id, text, reports) {
  const chosen = taskTypes.get(id);
  const settings = JSON.parse(text);
  return reports.map((report) => {
    try {
      return bounded(chosen?.interpret?.(settings, report) ?? byEnds(report), reports.length);
    } catch (error) {
      // The contract has no failure here; a trap is the answer, and the log says why.
      log.error(told(error));
      throw error;
    }
  });
}

function migrate(taskType, fromVersion, settings) {
  const migrated = taskType.migrate ? taskType.migrate(settings, fromVersion) : settings;
  return JSON.stringify(migrated);
}

class Refused {
  constructor(failure) {
    this.failure = failure;
  }
}

function invalid(findings) {
  return new Refused({ tag: 'invalid', val: findings.all });
}

// An exception inside a component is a trap without a word. So it becomes an answer with one.
function guarded(act, refuse) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refused) return refuse(error.failure);
    log.error(told(error));
    return refuse({ tag: 'internal', val: `The plug-in failed: ${String(error)}` });
  }
}

function told(error) {
  return error instanceof Error ? `${error}\n${error.stack}` : String(error);
}
