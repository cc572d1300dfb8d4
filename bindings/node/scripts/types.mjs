// Writes lib/native.d.ts: the types of the native part, as its macros tell them while it is checked.
// With --check, only says whether the file is current.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(here, 'lib', 'native.d.ts');
const HEADER = '// Made by scripts/types.mjs from src/. Not part of what the package promises.\n\n';

/** What the macros wrote, one JSON object a line. */
function definitions() {
  const folder = mkdtempSync(join(tmpdir(), 'minka-types-'));
  try {
    // Another folder makes cargo check the crate anew.
    const env = { ...process.env, NAPI_TYPE_DEF_TMP_FOLDER: folder };
    execFileSync('cargo', ['check', '--locked', '--quiet', '-p', 'minka-node'], {
      cwd: here,
      env,
      stdio: 'inherit',
    });
    const lines = readFileSync(join(folder, 'minka-node'), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function types(all) {
  const members = new Map(
    all.filter((one) => one.kind === 'impl').map((one) => [one.name, one.def]),
  );
  const shown = all
    .filter((one) => one.kind !== 'impl')
    .map((one) => {
      const head = `${one.js_doc}export `;
      switch (one.kind) {
        case 'fn':
          return `${head}declare ${one.def}\n`;
        case 'interface':
          return `${head}interface ${one.name} {\n${indented(one.def)}\n}\n`;
        case 'struct':
          return `${head}declare class ${one.name} {\n${indented(members.get(one.name) ?? '')}\n}\n`;
        default:
          throw new Error(`cannot write a ${one.kind}`);
      }
    });
  return HEADER + shown.sort((a, b) => (name(a) < name(b) ? -1 : 1)).join('\n');
}

function name(text) {
  return /export (?:declare )?(?:class|interface|function) (\w+)/.exec(text)[1];
}

function indented(text) {
  return text
    .split('\n')
    .map((line) => `  ${line.trim().replace(/^\*/, ' *')}`)
    .join('\n');
}

const made = types(definitions());
if (!process.argv.includes('--check')) {
  writeFileSync(file, made);
} else if (readFileSync(file, 'utf8') !== made) {
  console.error('lib/native.d.ts is not current: run node scripts/types.mjs');
  process.exitCode = 1;
}
