// Makes minka.node: what npm runs when the package is installed. Needs cargo, and nothing of npm.
//
// A minka.node that is there already is used: in a package that was packed with one, and in the
// repository where no source is newer. MINKA_NODE_PROFILE chooses the profile of cargo.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const workspace = join(here, '..', '..');
const addon = join(here, 'minka.node');
const sources = [
  'Cargo.lock',
  'Cargo.toml',
  'core/Cargo.toml',
  'core/src',
  'bindings/node/Cargo.toml',
  'bindings/node/src',
];

function isCurrent() {
  if (!existsSync(addon)) return false;
  const built = statSync(addon).mtimeMs;
  return sources.every((source) => newest(join(workspace, source)) <= built);
}

/** When something, or a file in it, was changed last. */
function newest(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

function build() {
  const profile = process.env.MINKA_NODE_PROFILE ?? 'dist';
  const cargo = (args, stdio) =>
    execFileSync('cargo', args, { cwd: workspace, stdio, maxBuffer: 2 ** 26 });
  const quiet = process.stderr.isTTY ? [] : ['--quiet'];
  cargo(['build', '--locked', ...quiet, '--profile', profile, '-p', 'minka-node'], 'inherit');
  const metadata = JSON.parse(
    cargo(
      ['metadata', '--locked', '--no-deps', '--format-version', '1'],
      ['ignore', 'pipe', 'inherit'],
    ),
  );
  const name = process.platform === 'darwin' ? 'libminka_node.dylib' : 'libminka_node.so';
  const folder = profile === 'dev' ? 'debug' : profile;
  // Renamed into its place, so that a process that has the old one loaded keeps it.
  copyFileSync(join(metadata.target_directory, folder, name), `${addon}.new`);
  renameSync(`${addon}.new`, addon);
}

if (!existsSync(join(workspace, 'core', 'Cargo.toml'))) {
  if (!existsSync(addon)) {
    console.error(
      'minka: this package has no minka.node, and the sources to build it are not here',
    );
    process.exitCode = 1;
  }
} else if (!isCurrent()) {
  build();
}
