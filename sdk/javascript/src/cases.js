// Cases: settings, profiles and reports in files, and what the plug-in must answer to them.
// The files are those of every SDK, so a case can be moved from one language to another.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { profileOf, reportOf, written } from './contract.js';

export function cases(plugin, folder) {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  for (const { id, examples } of plugin.describe.describe().taskTypes) {
    test(`the examples of ${id} are valid`, () => {
      for (const { title, settings } of examples) {
        assert.deepEqual(plugin.validate.validate(id, settings).findings, [], title);
      }
    });
  }
  const names = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  for (const name of names) {
    test(`case ${name}`, () => one(plugin, join(path, name)));
  }
}

function one(plugin, folder) {
  const task = read(folder, 'task.json');
  const id = task['task-type'];
  const settings = JSON.stringify(task.settings);
  const answers = {
    'verdict.json': refusable(() => plugin.validate.validate(id, settings).findings),
    'command.json': command(plugin.translate.translate(id, settings, [profileOf(task.profile)])),
  };
  const report = read(folder, 'report.json');
  if (report && plugin.interpret) {
    const [outcome] = plugin.interpret.interpret(id, settings, [reportOf(report)]);
    answers['outcome.json'] = readable(written(outcome));
  }
  for (const [file, answer] of Object.entries(answers)) compare(folder, file, answer);
}

function refusable(act) {
  try {
    return written(act());
  } catch (failure) {
    if (failure instanceof Error) throw failure;
    return { refused: written(failure) };
  }
}

function command([{ tag, val }]) {
  return tag === 'ok' ? written(val) : { refused: written(val) };
}

// Fields of events are JSON text; in a file they are easier to read as JSON.
function readable(outcome) {
  for (const event of outcome.events) event.fields = JSON.parse(event.fields);
  return outcome;
}

function read(folder, file) {
  const path = join(folder, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function compare(folder, file, answer) {
  if (process.env.UPDATE_CASES) {
    writeFileSync(join(folder, file), `${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  assert.deepEqual(answer, read(folder, file), `${join(folder, file)} says otherwise`);
}
