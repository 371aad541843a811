// What the program asks this process for: hooks, tools, answers. What a function gets, says and throws.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSdkMcpServer, query, Session, tool } from "madrigal";
import { z } from "zod";
import { playing } from "./simulator.mjs";

const ask = (id, request) => ({ emit: { type: "control_request", request_id: id, request } });
const answered = (id, response) => ({
  await: { type: "control_response", response: { subtype: "success", request_id: id, response } },
});
const hook = (id, callback_id, input = {}) =>
  ask(id, { subtype: "hook_callback", callback_id, input, tool_use_id: `t-${id}` });
const started = [{ await: { type: "user" } }, { init: {} }];
const done = [{ result: {} }];

/** Runs a query to its end. */
async function run(cli, options) {
  const messages = [];
  for await (const message of query({
    prompt: "hi",
    options: playing([...started, ...cli, ...done], options),
  }))
    messages.push(message);
  assert.equal(messages.findLast(({ type }) => type === "result").is_error, false);
}

test("a hook gets what happened and its output reaches the program; nothing is the empty output", async () => {
  const seen = [];
  const watch = async (input, toolUseID, { signal }) => {
    seen.push([input, toolUseID, signal.aborted]);
    return { systemMessage: "seen" };
  };
  const input = { hook_event_name: "PreToolUse", tool_name: "Bash" };
  await run(
    [
      hook("r1", "h2", input),
      answered("r1", { systemMessage: "seen" }),
      hook("r2", "h1", {}),
      answered("r2", {}),
    ],
    {
      hooks: { PreToolUse: [{ matcher: "Bash", hooks: [() => {}, watch], timeout: 5, onFailure: "block" }] },
    },
  );
  assert.deepEqual(seen, [[input, "t-r1", false]]);
});

test("hooks are registered with their matchers and seconds", async () => {
  const registered = {
    PreToolUse: [{ matcher: "Bash", hookCallbackIds: ["h1"], timeout: 5, onFailure: "block" }],
    Stop: [{ hookCallbackIds: ["h2", "h3"] }],
  };
  const cli = [
    {
      await: { type: "control_request", request: { subtype: "initialize", hooks: registered } },
      save: "asked",
    },
    {
      emit: {
        type: "control_response",
        response: { subtype: "success", request_id: "$asked.request_id", response: {} },
      },
    },
  ];
  const nothing = () => {};
  const hooks = {
    PreToolUse: [{ matcher: "Bash", hooks: [nothing], timeout: 5, onFailure: "block" }],
    Stop: [{ hooks: [nothing, nothing] }],
  };
  const session = await Session.open(playing(cli, { hooks }, { initialize: "manual" }));
  await session.close();
});

test("what a hook throws comes out of the loop as the same object, and the query goes on", async () => {
  const boom = new Error("boom");
  const cli = [
    ...started,
    hook("r1", "h1"),
    {
      await: {
        type: "control_response",
        response: { subtype: "error", request_id: "r1", error: { $contains: "boom" } },
      },
    },
    ...done,
  ];
  const hooks = { Stop: [{ hooks: [() => Promise.reject(boom)] }] };
  const q = query({ prompt: "hi", options: playing(cli, { hooks }) });
  const read = async () => {
    for await (const { type } of { [Symbol.asyncIterator]: () => ({ next: () => q.next() }) })
      if (type === "result") return type;
  };
  await assert.rejects(read, (error) => error === boom);
  assert.equal(await read(), "result");
  await q.close();
});

test("a hook that gives something else is an error that says so", async () => {
  const cli = [...started, hook("r1", "h1"), { await: { type: "control_response" } }, ...done];
  const q = query({ prompt: "hi", options: playing(cli, { hooks: { Stop: [{ hooks: [() => 5] }] } }) });
  await assert.rejects(async () => {
    for await (const _ of q);
  }, /the hook, not 5/);
});

test("the signal of a hook is aborted when the program withdraws the question", async () => {
  let aborted;
  const wait = (_input, _id, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        resolve({});
      });
    });
  await run([hook("r1", "h1"), { emit: { type: "control_cancel_request", request_id: "r1" } }], {
    hooks: { Stop: [{ hooks: [wait] }] },
  });
  assert.equal(aborted, true);
});

const calling = (id, name, args, result) => [
  ask(id, {
    subtype: "mcp_message",
    server_name: "calc",
    message: {
      jsonrpc: "2.0",
      id: 7,
      method: "tools/call",
      params: { name, arguments: args, _meta: { "claudecode/toolUseId": `t-${id}`, progressToken: 9 } },
    },
  }),
  answered(id, { mcp_response: { jsonrpc: "2.0", id: 7, result } }),
];
const text = (text) => ({ content: [{ type: "text", text }] });

test("a tool gets arguments that fit; those that do not, and exceptions, are for the model", async () => {
  const add = tool("add", "Adds", { a: z.number(), b: z.number().default(1) }, ({ a, b }, { toolUseID }) =>
    text(`${toolUseID}: ${a + b}`),
  );
  const fail = tool("fail", "Fails", {}, async () => {
    throw new Error("no luck");
  });
  const wrong = tool("wrong", "Says nothing", {}, () => "nothing");
  const calc = createSdkMcpServer({ name: "calc", tools: [add, fail, wrong] });
  const isError = (problem) => ({ isError: true, content: [{ type: "text", text: { $contains: problem } }] });
  await run(
    [
      ...calling("r1", "add", { a: 2 }, text("t-r1: 3")),
      ...calling("r2", "add", { a: "2" }, isError("a")),
      ...calling("r3", "fail", {}, isError("no luck")),
      ...calling("r4", "wrong", {}, isError("the tool wrong")),
    ],
    { mcpServers: { calc } },
  );
});

test("a tool reports progress in either form", async () => {
  const half = tool("half", "Works", {}, async (_args, { progress, sendNotification }) => {
    progress(1, { total: 2, message: "half" });
    await sendNotification({ method: "notifications/progress", params: { progressToken: 9, progress: 2 } });
    await assert.rejects(sendNotification({ method: "notifications/other" }), { code: "invalid_argument" });
    return text("done");
  });
  const notified = (params) => ({
    await: {
      type: "control_request",
      request: {
        subtype: "mcp_message",
        server_name: "calc",
        message: { method: "notifications/progress", params: { progressToken: 9, ...params } },
      },
    },
  });
  const [called, answer] = calling("r1", "half", {}, text("done"));
  const calc = createSdkMcpServer({ name: "calc", tools: [half] });
  await run(
    [called, notified({ progress: 1, total: 2, message: "half" }), notified({ progress: 2 }), answer],
    {
      mcpServers: { calc },
    },
  );
});

test("the tools of a running session can be replaced", async () => {
  const named = (name) => tool(name, name, {}, () => text(name));
  const calc = createSdkMcpServer({ name: "calc", tools: [named("old")] });
  const cli = [
    { await: { type: "control_request", request: { subtype: "mcp_message" } }, save: "told" },
    {
      emit: { type: "control_response", response: { subtype: "success", request_id: "$told.request_id" } },
    },
    ...started,
    ...calling("r1", "new", {}, text("new")),
    ...done,
  ];
  const session = await Session.open(playing(cli, { mcpServers: { calc } }));
  await session.setTools("calc", [named("new")]);
  await assert.rejects(session.setTools("calc", [5]), { code: "invalid_options" });
  await assert.rejects(session.setTools("other", []), { code: "invalid_argument" });
  assert.equal((await session.send("hi").result()).is_error, false);
  await session.close();
});

test("questions of servers and dialogs are answered; null cancels", async () => {
  const seen = [];
  const elicitation = { subtype: "elicitation", mcp_server_name: "s", message: "who?", requested_schema: {} };
  const dialog = { subtype: "request_user_dialog", dialog_kind: "pick", payload: { a: 1 }, tool_use_id: "t" };
  await run(
    [
      ask("r1", elicitation),
      answered("r1", { action: "accept", content: { name: "Ada" } }),
      ask("r2", { ...elicitation, message: "and?" }),
      answered("r2", { action: "cancel" }),
      ask("r3", dialog),
      answered("r3", { behavior: "completed", result: 5 }),
    ],
    {
      supportedDialogKinds: ["pick"],
      onElicitation: async (request, { signal }) => {
        seen.push(request, signal.aborted);
        return request.message === "who?" ? { action: "accept", content: { name: "Ada" } } : null;
      },
      onUserDialog: (request) => {
        seen.push(request);
        return { behavior: "completed", result: 5 };
      },
    },
  );
  assert.deepEqual(seen, [
    { serverName: "s", message: "who?", requestedSchema: {} },
    false,
    { serverName: "s", message: "and?", requestedSchema: {} },
    false,
    { dialogKind: "pick", payload: { a: 1 }, toolUseID: "t" },
  ]);
});
