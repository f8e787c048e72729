// The cases in `cases/`, in Node. `muster plugin test` runs the same ones in the engine of servers.

import assert from 'node:assert/strict';
import test from 'node:test';
import { cases } from 'muster-sdk/cases';
import * as plugin from '../src/plugin.js';

cases(plugin, new URL('../cases/', import.meta.url));

test('a folder without its whole path is refused', () => {
  const { findings } = plugin.validate.validate('find-files', '{"folder": "logs"}');
  assert.deepEqual(
    findings.map(({ pointer, code }) => [pointer, code]),
    [['/folder', 'folder-not-absolute']],
  );
});
