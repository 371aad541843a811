// Agents that are ready, built in a line or kept in files; names of models; options by purpose.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import {
  AgentBuilder,
  agentFromMarkdown,
  agentPresets,
  agentToMarkdown,
  InvalidArgumentError,
  InvalidOptionsError,
  loadAgents,
  mergeAgents,
  optionPreset,
  optionPresets,
  query,
  Session,
  saveAgent,
  suggestModels,
  validateAgents,
  withAgent,
  withAgents,
  withHaiku,
  withModel,
  withOpus,
  withSonnet,
} from "madrigal";
import { answering, playing } from "./simulator.mjs";

const folder = mkdtempSync(join(tmpdir(), "madrigal-agents-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Whether an error is about this field. */
const about = (field, Class = InvalidOptionsError) => {
  return (error) => error instanceof Class && error.context.field === field;
};

const reviewer = { description: "Reviews", prompt: "Review.", model: "opus" };

test("presets are in five families, whole and without warnings", () => {
  const all = agentPresets();
  assert.ok(all.length >= 12);
  const families = new Set(all.map(({ family }) => family));
  assert.equal(families.size, 5);
  const one = [...families].flatMap((family) => agentPresets(family).map(({ name }) => name));
  assert.deepEqual(one.sort(), all.map(({ name }) => name).sort());
  assert.deepEqual(validateAgents(withAgents({}, all).agents), []);
  assert.throws(() => agentPresets("securty"), about("family", InvalidArgumentError));
});

test("a builder says what is said, and each step is one of its own", () => {
  const begun = new AgentBuilder("reviewer").prompt("Review.");
  const { name, agent } = begun
    .description("Reviews")
    .tools(["Read"])
    .disallowedTools(["Bash"])
    .model("haiku")
    .effort("low")
    .maxTurns(3)
    .skills(["pdf"])
    .mcpServers(["calc", { own: { command: "server" } }])
    .field("background", true)
    .examples(["One."])
    .examples([{ input: "a", output: "b" }])
    .build();
  assert.equal(name, "reviewer");
  const prompt =
    "Review.\n\n## Examples\n\n<example>\nOne.\n</example>\n\n<example>\nInput: a\nOutput: b\n</example>";
  assert.deepEqual(agent, {
    description: "Reviews",
    prompt,
    tools: ["Read"],
    disallowedTools: ["Bash"],
    model: "haiku",
    effort: "low",
    maxTurns: 3,
    skills: ["pdf"],
    mcpServers: ["calc", { own: { command: "server" } }],
    background: true,
  });
  assert.deepEqual(begun.build().agent, { description: "Custom agent: reviewer", prompt: "Review." });
  assert.throws(() => begun.maxTurns(0).build(), about("agents.reviewer.maxTurns"));
  assert.throws(() => begun.tools("Read").build(), about("agents.reviewer.tools"));
  assert.throws(() => new AgentBuilder("").build(), about("agents"));
  assert.equal(new AgentBuilder("mine", reviewer).model("haiku").build().agent.model, "haiku");
});

test("mistakes are told by the field, all at once, and what is strange is a warning", () => {
  const wrong = { a: { ...reviewer, prompt: "" }, b: { prompt: "B" } };
  assert.throws(
    () => validateAgents(wrong),
    (error) => {
      assert.ok(about("agents.a.prompt")(error), error.stack);
      assert.equal(error.context.problems[1].field, "agents.b.description");
      return true;
    },
  );
  const strange = { a: { ...reviewer, tools: ["Raed", "Mine"], model: "sonet", max_turns: 3 } };
  const fields = (options) => validateAgents(strange, options).map(({ field }) => field);
  assert.deepEqual(fields(), ["tools[0]", "tools[1]", "model", "max_turns"]);
  assert.deepEqual(fields({ tools: ["Raed", "Mine"] }), ["model", "max_turns"]);
  // A session says the same before it starts.
  const options = playing(answering, { agents: wrong });
  assert.throws(() => query({ prompt: "hi", options }), InvalidOptionsError);
});

test("agents are laid over others field by field", () => {
  const merged = mergeAgents({ reviewer, other: reviewer }, { reviewer: { model: null, prompt: "Look." } });
  assert.deepEqual(merged, {
    reviewer: { description: "Reviews", prompt: "Look." },
    other: reviewer,
  });
});

test("an agent is written to a file of the program and read again", async () => {
  const directory = join(folder, "agents");
  const path = await saveAgent("reviewer", reviewer, { directory });
  assert.equal(basename(path), "reviewer.md");
  assert.equal(readFileSync(path, "utf8"), agentToMarkdown("reviewer", reviewer));
  assert.deepEqual(agentFromMarkdown(readFileSync(path, "utf8")), { name: "reviewer", agent: reviewer });
  await assert.rejects(saveAgent("reviewer", reviewer, { directory }), InvalidArgumentError);
  const quick = { ...reviewer, model: "haiku" };
  assert.equal(await saveAgent("reviewer", quick, { directory, overwrite: true }), path);
  writeFileSync(join(directory, "broken.md"), "---\nname: [\n---\n");
  const { agents, errors } = await loadAgents({ directory });
  assert.deepEqual(agents, [{ name: "reviewer", path, agent: quick }]);
  assert.deepEqual(
    errors.map((one) => basename(one.path)),
    ["broken.md"],
  );
  await assert.rejects(saveAgent("../out", reviewer, { directory }), InvalidOptionsError);
  await assert.rejects(loadAgents({ directory, scope: "user" }), InvalidArgumentError);
  assert.throws(() => agentFromMarkdown("no agent"), InvalidOptionsError);
});

test("agents of the project and of the user are in the places of the program", async () => {
  const [cwd, configDir] = [join(folder, "work", "deep"), join(folder, "config")];
  mkdirSync(join(folder, "work", ".git"), { recursive: true });
  mkdirSync(cwd);
  const above = await saveAgent("above", reviewer, { cwd: join(folder, "work") });
  assert.equal(above, join(folder, "work", ".claude", "agents", "above.md"));
  const [{ name }] = (await loadAgents({ cwd })).agents;
  assert.equal(name, "above");
  const own = await saveAgent("own", reviewer, { scope: "user", configDir });
  assert.equal(own, join(configDir, "agents", "own.md"));
  const before = process.env.CLAUDE_CONFIG_DIR;
  process.env.CLAUDE_CONFIG_DIR = configDir;
  try {
    assert.equal((await loadAgents({ scope: "user" })).agents[0].path, own);
  } finally {
    if (before === undefined) delete process.env.CLAUDE_CONFIG_DIR;
    else process.env.CLAUDE_CONFIG_DIR = before;
  }
});

test("what was meant by the name of a model", () => {
  assert.deepEqual(suggestModels("opus"), { known: true, suggestions: [] });
  assert.equal(suggestModels("sonet").suggestions[0], "sonnet");
  const models = [{ value: "gateway-large", displayName: "Large", description: "" }];
  assert.deepEqual(suggestModels("gateway-larg", models), { known: false, suggestions: ["gateway-large"] });
});

test("options get models and agents, and keep the rest", () => {
  const stderr = () => {};
  assert.deepEqual(withOpus({ stderr }), { maxTurns: 10, stderr, model: "opus", fallbackModel: "sonnet" });
  assert.deepEqual(withSonnet({ maxTurns: 2, fallbackModel: "sonnet" }), { maxTurns: 2, model: "sonnet" });
  assert.deepEqual(withHaiku(), { model: "haiku", maxTurns: 3 });
  assert.deepEqual(withModel({ fallbackModel: "haiku" }, "opus"), { model: "opus", fallbackModel: "haiku" });
  assert.equal(withModel({}, "opus", ["sonnet", "haiku"]).fallbackModel, "sonnet,haiku");
  const given = { cwd: "/", agents: { reviewer } };
  const options = withAgents(withAgent(given, "a", reviewer), [
    new AgentBuilder("b"),
    { name: "c", agent: reviewer },
  ]);
  assert.deepEqual(Object.keys(options.agents), ["reviewer", "a", "b", "c"]);
  assert.equal(options.agents.b.description, "Custom agent: b");
  assert.deepEqual([options.cwd, Object.keys(given.agents)], ["/", ["reviewer"]]);
  assert.equal(withAgents(options, { a: { ...reviewer, model: "haiku" } }).agents.a.model, "haiku");
});

test("options by purpose are those every language has, with what one wants over them", () => {
  for (const name of optionPresets()) assert.ok(optionPreset(name).maxTurns > 0, name);
  assert.equal(optionPresets().length, 12);
  const canUseTool = () => ({ behavior: "allow" });
  const over = {
    maxTurns: 20,
    permissionMode: null,
    canUseTool,
    hooks: null,
    additionalDirectories: ["/tmp"],
  };
  const options = optionPreset("development", over);
  assert.deepEqual(
    [options.maxTurns, options.canUseTool, options.additionalDirectories],
    [20, canUseTool, ["/tmp"]],
  );
  assert.ok(options.allowedTools.includes("Bash"));
  assert.ok(!("permissionMode" in options) && !("hooks" in options));
  assert.throws(() => optionPreset("develpment"), { code: "invalid_argument", message: /`development`/ });
  assert.throws(() => optionPreset("chat", { maxTurns: 0 }), about("maxTurns"));
  assert.throws(() => optionPreset("chat", { modle: null }), about("modle"));
  assert.throws(() => optionPreset("chat", { modle: "opus" }), about("modle"));
});

test("agents and presets reach the program", async () => {
  const args = { contains: ["--model", "haiku"] };
  const cli = [{ expect_args: args }, ...answering];
  const options = withAgents(withHaiku(playing(cli)), agentPresets());
  const session = await Session.open(options);
  assert.equal((await session.send("2 + 2?").result()).result, "4");
  await session.close();
});
