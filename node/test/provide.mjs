// What a scenario lets the host provide, registered through the public interface of the package: a function for each
// callback, a handler for each tool. Each calls `onAsk` with what it is asked, in the words of the program.

import { createSdkMcpServer, tool } from "madrigal";

/** The options for the `asks`, `hooks` and `tool_servers` of a scenario. */
export function provide({ asks = [], hooks, tool_servers }, { mcpServers }, onAsk) {
  const options = {};
  if (asks.includes("can_use_tool"))
    options.canUseTool = (name, _input, { request, signal }) =>
      onAsk({ kind: "can_use_tool", name, request, signal });
  for (const [kind, option] of [
    ["elicitation", "onElicitation"],
    ["request_user_dialog", "onUserDialog"],
  ])
    if (asks.includes(kind)) options[option] = (_, { request, signal }) => onAsk({ kind, request, signal });
  if (hooks) options.hooks = provideHooks(hooks, onAsk);
  if (tool_servers)
    options.mcpServers = {
      ...mcpServers,
      ...Object.fromEntries(tool_servers.map((one) => server(one, onAsk))),
    };
  return options;
}

/** The tools of a server. */
export function tools(server, listed, onAsk) {
  return listed.map(({ name, description, inputSchema, outputSchema, annotations, _meta }) => {
    const handler = (args, { signal, progress, _meta: meta }) => {
      const request = { server, tool: name, arguments: args, meta };
      return onAsk({ kind: "tool_call", name, request, signal, progress });
    };
    const made = tool(name, description, inputSchema, handler, { annotations, outputSchema });
    return _meta ? { ...made, _meta } : made;
  });
}

function server({ name, tools: listed = [], ...rest }, onAsk) {
  return [name, createSdkMcpServer({ name, ...rest, tools: tools(name, listed, onAsk) })];
}

function provideHooks(hooks, onAsk) {
  const callback =
    (name) =>
    (input, toolUseID, { signal }) =>
      onAsk({
        kind: "hook_callback",
        name,
        request: { callback_id: name, input, tool_use_id: toolUseID },
        signal,
      });
  const matchers = ({ matcher, callbacks, timeout_ms, on_failure }) => ({
    hooks: callbacks.map(callback),
    ...(matcher !== undefined && { matcher }),
    ...(timeout_ms !== undefined && { timeout: timeout_ms / 1000 }),
    ...(on_failure !== undefined && { onFailure: on_failure }),
  });
  return Object.fromEntries(Object.entries(hooks).map(([event, all]) => [event, all.map(matchers)]));
}
