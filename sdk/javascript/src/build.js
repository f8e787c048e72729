// From sources to a component: bundle, choose the world, componentize.

import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Everything that would make the component import WASI. Nothing of it is offered to a plug-in.
const WITHOUT = ['stdio', 'random', 'clocks', 'http', 'fetch-event'];
const OURS = /^muster:plugin\/([a-z-]+)@1\./;

/** Makes a component of an entry file; gives back its world and its size. */
export async function build(entry, output, { debug = false } = {}) {
  const { bundle, contract } = await bundled(entry);
  const work = await mkdtemp(join(tmpdir(), 'muster-sdk-'));
  try {
    const source = join(work, 'plugin.js');
    await writeFile(source, bundle);
    const world = await writeWorld(work, contract);
    const { componentize } = await tool('@bytecodealliance/componentize-js');
    const { component } = await componentize({
      sourcePath: source,
      witPath: join(work, 'wit'),
      worldName: 'plugin',
      disableFeatures: WITHOUT,
      debugBuild: debug,
    });
    // Whoever reads it meanwhile sees the old one or the new one, whole.
    await writeFile(`${output}.new`, component);
    await rename(`${output}.new`, output);
    return { world, bytes: component.length };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function tool(name) {
  try {
    return await import(name);
  } catch (error) {
    throw new Error(`${name} is not installed (${error.message}); run \`npm install\` in the plug-in's folder`);
  }
}

/** One file with all that the entry imports, and what it exports and imports of the contract. */
async function bundled(entry) {
  const { build: bundle } = await tool('esbuild');
  const result = await bundle({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    conditions: ['muster'],
    external: ['muster:plugin/*'],
    metafile: true,
    logLevel: 'silent',
  }).catch((error) => {
    throw new Error(`${entry} cannot be bundled: ${error.message}`);
  });
  const [made] = Object.values(result.metafile.outputs);
  const imports = made.imports.map(({ path }) => OURS.exec(path)?.[1]).filter(Boolean);
  return { bundle: result.outputFiles[0].text, contract: { exports: new Set(made.exports), imports } };
}

/** The world of this plug-in, beside the contract that it includes. */
async function writeWorld(work, { exports, imports }) {
  for (const name of ['describe', 'validate', 'translate']) {
    if (!exports.has(name)) {
      throw new Error(`the plug-in does not export ${name}: write \`export const { describe, validate, translate } = plugin({ … })\``);
    }
  }
  const contract = join(work, 'wit', 'deps', 'muster-plugin');
  await mkdir(contract, { recursive: true });
  const wit = fileURLToPath(new URL('../wit', import.meta.url));
  for (const file of await readdir(wit)) await copyFile(join(wit, file), join(contract, file));
  const lines = [...new Set(imports)].map((name) => `  import muster:plugin/${name}@1.0.0;`);
  const world = worldFor(exports);
  const text = `package muster:built;\n\nworld plugin {\n  include muster:plugin/${world}@1.0.0;\n${lines.join('\n')}\n}\n`;
  await writeFile(join(work, 'wit', 'world.wit'), text);
  return world;
}

function worldFor(exports) {
  const [interpret, migrate] = [exports.has('interpret'), exports.has('migrate')];
  if (interpret && migrate) return 'full-management-plugin';
  if (interpret) return 'management-plugin-with-interpret';
  return migrate ? 'management-plugin-with-migrate' : 'management-plugin';
}
