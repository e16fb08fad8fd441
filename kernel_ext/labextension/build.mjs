/**
 * Build the bundle: compile, pack, and write down what it was made from.
 *
 *     node build.mjs <JupyterLab's staging folder>
 *
 * build-info.json holds a digest of every source, so that a test knows without Node whether the bundle is theirs.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'labextension_dist');
const FOLDERS = ['schema', 'src', 'style'];
const FILES = ['.npmrc', 'build.mjs', 'package-lock.json', 'package.json', 'tsconfig.json', 'webpack.config.cjs'];

function sources() {
  const inFolders = FOLDERS.flatMap(folder =>
    readdirSync(join(here, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath ?? entry.path, entry.name).slice(here.length + 1))
  );
  return [...FILES, ...inFolders].map(name => name.replaceAll('\\', '/')).sort();
}

function digest(name) {
  return createHash('sha256').update(readFileSync(join(here, name))).digest('hex');
}

function run(tool, ...args) {
  execFileSync(join(here, 'node_modules', '.bin', tool), args, { cwd: here, stdio: 'inherit' });
}

function write(name, content) {
  writeFileSync(join(out, name), `${JSON.stringify(content, null, 2)}\n`);
}

const [core] = process.argv.slice(2);
if (!core) {
  throw new Error("name JupyterLab's staging folder: node build.mjs <folder>");
}
rmSync(join(here, 'lib'), { recursive: true, force: true });
rmSync(out, { recursive: true, force: true });
run('tsc');
run('build-labextension', '--core-path', core, '.');
write('install.json', {
  packageManager: 'python',
  packageName: 'millstream',
  uninstallInstructions: 'Remove the Python package: pip uninstall millstream'
});
write('build-info.json', { sources: Object.fromEntries(sources().map(name => [name, digest(name)])) });
