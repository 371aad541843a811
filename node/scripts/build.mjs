// Builds the package in a checkout: the native half with cargo, the rest with tsc. `npm install PATH` runs this, too,
// without having installed the development tools of this folder, so it sees to that itself.
//
// usage: node scripts/build.mjs [--debug] [--native | --typescript]

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const crate = join(here, "..", "bindings", "node");
const options = new Set(process.argv.slice(2));

function run(command, args, stdout = "inherit") {
  const {
    status,
    error,
    stdout: output,
  } = spawnSync(command, args, {
    cwd: here,
    stdio: ["ignore", stdout, "inherit"],
    encoding: "utf8",
    maxBuffer: 1 << 28,
    shell: process.platform === "win32" && command === "npm",
  });
  if (error?.code === "ENOENT") fail(`${command} was not found; building madrigal from a checkout needs it`);
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ${args[0]} failed`);
  return output;
}

function fail(problem) {
  console.error(`madrigal: ${problem}`);
  process.exit(1);
}

function buildNative() {
  const profile = options.has("--debug") ? [] : ["--release"];
  const lines = run(
    "cargo",
    [
      "build",
      "--manifest-path",
      join(crate, "Cargo.toml"),
      "--message-format=json-render-diagnostics",
      ...profile,
    ],
    "pipe",
  );
  const library = lines
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .filter(({ reason, target }) => reason === "compiler-artifact" && target.name === "madrigal_node")
    .flatMap(({ filenames }) => filenames)
    .find((name) => /\.(so|dylib|dll)$/.test(name));
  if (!library) fail("cargo built no library");
  const addon = join(here, `madrigal.${process.platform}-${process.arch}.node`);
  // By renaming: a process that has the old one loaded keeps it.
  copyFileSync(library, `${addon}.new`);
  renameSync(`${addon}.new`, addon);
}

function buildTypeScript() {
  const tsc = join(here, "node_modules", "typescript", "bin", "tsc");
  if (!existsSync(tsc)) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  rmSync(join(here, "dist"), { recursive: true, force: true });
  run(process.execPath, [tsc]);
}

if (existsSync(crate)) {
  if (!options.has("--typescript")) buildNative();
  if (!options.has("--native")) buildTypeScript();
}
