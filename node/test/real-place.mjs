// A place of its own for each case on the real program: a directory, a home, and a stand-in for the model's API.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { root, simulator } from "./simulator.mjs";

/** The real `claude`. */
export const claude = process.env.MADRIGAL_REAL_CLI;

export class Place {
  /** Makes the place and starts the API. */
  static async make() {
    if (claude === undefined || !existsSync(claude))
      throw new Error("MADRIGAL_REAL_CLI must name the claude executable; `tests/run real` installs one");
    const place = new Place();
    place.folder = mkdtempSync(join(tmpdir(), "madrigal-real-"));
    for (const name of ["home", "work"]) mkdirSync(join(place.folder, name));
    const script = join(root, "tests", "real", "script.json");
    place.api = spawn(simulator, ["loopback", "--json", "--script", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = await once(createInterface(place.api.stdout), "line");
    Object.assign(place, JSON.parse(line));
    return place;
  }

  get work() {
    return join(this.folder, "work");
  }

  /** A case with the folders of this place in it, and its files made. */
  made(written) {
    const config = join(this.folder, "home", ".claude");
    const text = JSON.stringify(written).replaceAll("$work", this.work).replaceAll("$config", config);
    const here = JSON.parse(text);
    for (const [name, content] of Object.entries(here.make ?? {})) {
      mkdirSync(dirname(join(this.work, name)), { recursive: true });
      writeFileSync(join(this.work, name), content);
    }
    return here;
  }

  /** Options that lead to the real program in this place. */
  options(options = {}, { logged_in = true, env = {} } = {}) {
    const { ANTHROPIC_API_KEY, ...others } = this.env;
    const home = join(this.folder, "home");
    return {
      ...options,
      pathToClaudeCodeExecutable: claude,
      cwd: this.work,
      env: {
        ...others,
        ...(logged_in && { ANTHROPIC_API_KEY }),
        HOME: home,
        CLAUDE_CONFIG_DIR: join(home, ".claude"),
        ENABLE_TOOL_SEARCH: "false",
        ...env,
      },
    };
  }

  /** What the API was asked. */
  async requests() {
    return (await fetch(`${this.url}/_madrigal/requests`)).json();
  }

  /** The processes that live in this home. */
  programs() {
    const home = `HOME=${join(this.folder, "home")}`;
    return readdirSync("/proc").filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(home);
      } catch {
        return false; // of somebody else, or gone
      }
    });
  }

  async leave() {
    this.api.stdin.end();
    if (this.api.exitCode === null) await once(this.api, "exit");
    // A program that was just killed may leave a file behind at this moment.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
