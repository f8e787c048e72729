#!/usr/bin/env node
// The command of the SDK: `muster-sdk build`.

import { parseArgs } from 'node:util';
import { build } from '../src/build.js';

const USAGE = `Usage: muster-sdk build [ENTRY] [--output FILE]

Makes a component of a plug-in: ENTRY (src/plugin.js) and all that it imports.

Options:
  -o, --output FILE   Where the component goes (plugin.wasm)
      --debug         Keep the names of functions, so that a backtrace can be read; a fifth larger`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', short: 'o', default: 'plugin.wasm' },
    debug: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const [command, entry = 'src/plugin.js', ...others] = positionals;
if (values.help) {
  console.log(USAGE);
} else if (command !== 'build' || others.length > 0) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    const { world, bytes } = await build(entry, values.output, { debug: values.debug });
    console.error(`${values.output}: ${Math.ceil(bytes / 1024)} KiB, world ${world}`);
  } catch (error) {
    console.error(`muster-sdk: ${error.message}`);
    process.exitCode = 1;
  }
}
