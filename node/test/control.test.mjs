// Each control method says to the program what the program understands, and gives back what it answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ControlError, InvalidArgumentError, Session, TimeoutError } from "madrigal";
import { playing } from "./simulator.mjs";

/** A program that expects one request and answers it. */
const answers = (request, response) => [
  { await: { type: "control_request", request }, save: "asked" },
  {
    emit: {
      type: "control_response",
      response: { subtype: "success", request_id: "$asked.request_id", ...response },
    },
  },
];

const calls = [
  ["setModel", ["opus"], { subtype: "set_model", model: "opus" }, { model: "opus" }],
  ["setModel", [], { subtype: "set_model", model: null }, { model: "m" }],
  ["setPermissionMode", ["plan"], { subtype: "set_permission_mode", mode: "plan" }, { mode: "plan" }],
  [
    "setMaxThinkingTokens",
    [5, "omitted"],
    { subtype: "set_max_thinking_tokens", max_thinking_tokens: 5, thinking_display: "omitted" },
    undefined,
    undefined,
  ],
  [
    "applyFlagSettings",
    [{ a: 1 }],
    { subtype: "apply_flag_settings", settings: { a: 1 } },
    undefined,
    undefined,
  ],
  ["mcpServerStatus", [], { subtype: "mcp_status" }, { mcpServers: [{ name: "x" }] }, [{ name: "x" }]],
  [
    "setMcpServers",
    [{ x: { command: "x" }, calc: { type: "sdk", name: "other", instance: {} } }],
    { subtype: "mcp_set_servers", servers: { x: { command: "x" }, calc: { type: "sdk", name: "calc" } } },
    { added: ["x"], removed: [], errors: {} },
  ],
  ["reconnectMcpServer", ["x"], { subtype: "mcp_reconnect", serverName: "x" }, undefined, undefined],
  [
    "toggleMcpServer",
    ["x", false],
    { subtype: "mcp_toggle", serverName: "x", enabled: false },
    undefined,
    undefined,
  ],
  [
    "mcpCall",
    ["mcp__x__y", { a: 1 }],
    { subtype: "mcp_call", tool: "mcp__x__y", arguments: { a: 1 } },
    { content: [] },
  ],
  [
    "rewindFiles",
    ["u", { dryRun: true }],
    { subtype: "rewind_files", user_message_id: "u", dry_run: true },
    { canRewind: true },
  ],
  [
    "getContextUsage",
    [{ detail: "full" }],
    { subtype: "get_context_usage", detail: "full" },
    { totalTokens: 1 },
  ],
  ["getUsage", [{ skipBehaviors: true }], { subtype: "get_usage", skip_behaviors: true }, { session: {} }],
  ["listModels", [], { subtype: "list_models" }, { models: [] }, []],
  [
    "readFile",
    ["a", { maxBytes: 5, encoding: "base64" }],
    { subtype: "read_file", path: "a", max_bytes: 5, encoding: "base64" },
    { contents: "x", absPath: "/a" },
  ],
  ["seedReadState", ["a", 5], { subtype: "seed_read_state", path: "a", mtime: 5 }, undefined, undefined],
  ["sideQuestion", ["why?"], { subtype: "side_question", question: "why?" }, { response: "so" }],
  ["stopTask", ["t"], { subtype: "stop_task", task_id: "t" }, {}, undefined],
  ["backgroundTasks", ["t"], { subtype: "background_tasks", tool_use_id: "t" }, {}, true],
  ["getTaskOutput", ["t"], { subtype: "get_task_output", task_id: "t" }, { output: "x" }],
  [
    "cancelAsyncMessage",
    ["u"],
    { subtype: "cancel_async_message", message_uuid: "u" },
    { cancelled: true },
    true,
  ],
  ["renameSession", ["t"], { subtype: "rename_session", title: "t" }, undefined, undefined],
  [
    "generateSessionTitle",
    ["d", { persist: true }],
    { subtype: "generate_session_title", description: "d", persist: true },
    { title: null },
    null,
  ],
  [
    "reloadPlugins",
    [{ refuseIfBusy: true }],
    { subtype: "reload_plugins", refuse_if_busy: true },
    { plugins: [] },
  ],
  ["interrupt", [{ cancelQueued: true }], { subtype: "interrupt", cancel_queued: true }, { cancelled: [] }],
];

for (const [method, args, request, response, ...outcome] of calls) {
  test(`${method}(${JSON.stringify(args).slice(1, -1)})`, async () => {
    const session = await Session.open(playing(answers(request, response && { response })));
    const expected = outcome.length > 0 ? outcome[0] : response;
    assert.deepEqual(await session[method](...args), expected);
    await session.close("now");
  });
}

test("what the program says about itself is there without asking again", async () => {
  const info = {
    commands: [{ name: "c" }],
    models: [{ value: "m" }],
    agents: [{ name: "a" }],
    account: { email: "e" },
  };
  const session = await Session.open(playing([], {}, { initialize: info }));
  assert.deepEqual(await session.supportedCommands(), info.commands);
  assert.deepEqual(await session.supportedModels(), info.models);
  assert.deepEqual(await session.supportedAgents(), info.agents);
  assert.deepEqual(await session.accountInfo(), info.account);
  assert.equal(session.info.models[0].value, "m");
  await session.close();
});

test("a refused request rejects", async () => {
  const refusal = (subtype) => [
    { await: { type: "control_request", request: { subtype } }, save: "asked" },
    {
      emit: {
        type: "control_response",
        response: {
          subtype: "error",
          request_id: "$asked.request_id",
          error: "read denied",
          error_code: "x",
        },
      },
    },
  ];
  const session = await Session.open(playing([...refusal("mcp_reconnect"), ...refusal("read_file")]));
  await assert.rejects(session.reconnectMcpServer("x"), ControlError);
  await assert.rejects(session.readFile("nowhere"), ControlError);
  await session.close();
});

test("a request can have a time-out of its own", async () => {
  const cli = [{ await: { type: "control_request", request: { subtype: "mcp_status" } } }, { hang: true }];
  const session = await Session.open(playing(cli, { timeouts: { controlMs: null } }));
  await assert.rejects(session.within(20).mcpServerStatus(), TimeoutError);
  await assert.rejects(session.within(0.5).interrupt(), TimeoutError);
  await assert.rejects(session.control({ subtype: "mcp_status" }, { timeoutMs: 20 }), TimeoutError);
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => session.within(wrong), InvalidArgumentError);
  await session.close("now");
});

test("an agent is put in the lead within a time-out, too", async () => {
  const asked = {
    type: "control_request",
    request: { subtype: "apply_flag_settings", settings: { agent: "Explore" } },
  };
  const session = await Session.open(
    playing([{ await: asked }, { hang: true }], { enableAgentSwitching: true }),
  );
  await assert.rejects(session.setAgent("Explore", { timeoutMs: 20 }), TimeoutError);
  await assert.rejects(session.within(20).setAgent("Explore"), TimeoutError);
  await assert.rejects(session.within(60_000).setAgent("Exlpore"), InvalidArgumentError);
  await assert.rejects(session.setAgent(null, { timeoutMs: -1 }), InvalidArgumentError);
  await session.close("now");
});

test("without its option no agent is put in the lead", async () => {
  const session = await Session.open(playing([]));
  await assert.rejects(session.setAgent("Explore"), (error) => {
    assert.equal(error.code, "invalid_options");
    assert.equal(error.context.field, "enableAgentSwitching");
    assert.match(error.message, /enableAgentSwitching: must be/);
    return true;
  });
  await session.close();
});

test("a request within its time-out is answered as any other", async () => {
  const info = { models: [{ value: "m" }] };
  const session = await Session.open(playing([], {}, { initialize: info }));
  const within = session.within(60_000);
  assert.deepEqual(await within.supportedModels(), info.models);
  assert.deepEqual(await within.mcpServerStatus(), []);
  await session.close();
});
