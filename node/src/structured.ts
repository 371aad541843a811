// The value a JSON Schema asked for, typed. A turn can succeed without one (the model answered with text) or fail over it;
// here both are errors that say so.

import { StructuredOutputError } from "./errors.js";
import type { SDKMessage, SDKResultMessage } from "./messages.js";
import { judgedNow, type ZodLike } from "./schema.js";

/** So much of the text there was instead of a value stands in the error. */
const EXCERPT = 200;

/**
 * The value of a turn with `outputFormat`. The program has validated it against the JSON Schema; with a zod schema it is also
 * read by that, which fills in defaults and transforms.
 *
 * Throws `StructuredOutputError` when there is none, and when the zod schema does not accept it; its context has
 * `subtype` and `result`, the text there was instead.
 *
 * @param message The result, such as that of `Turn.result()`.
 * @param schema A zod schema, of version 3 or 4. One that waits for something is refused.
 * @example
 * const result = await session.send("How many planets are there?").result();
 * const { count } = structured<{ count: number }>(result);
 */
export function structured<T = unknown>(message: SDKMessage | undefined): T;
export function structured<S extends ZodLike>(message: SDKMessage | undefined, schema: S): S["_output"];
export function structured(message: SDKMessage | undefined, schema?: ZodLike): unknown {
  if (message?.type !== "result") {
    const what =
      message === undefined ? "the session ended before there was one" : `this is \`${message.type}\``;
    throw failed(`only a \`result\` has a structured value, and ${what}`);
  }
  if (!("structured_output" in message)) throw failed(missing(message), message);
  const value = message.structured_output;
  if (schema === undefined) return value;
  const judged = judgedNow(schema, value);
  if ("problem" in judged) throw failed(`the schema does not accept the value: ${judged.problem}`, message);
  return judged.value;
}

function missing(result: SDKResultMessage): string {
  if (result.subtype === "error_max_structured_output_retries")
    return "the model never met the JSON Schema: simplify it, or say in the prompt what each field is for";
  if (result.is_error) return "the turn failed before there was a value";
  return "there is no value: the model answered with text, or no `outputFormat` was given. Ask for the value in the prompt";
}

function failed(message: string, result?: SDKResultMessage): StructuredOutputError {
  const text = result?.subtype === "success" ? result.result : result?.errors?.join("; ");
  const said = text === undefined ? {} : { result: text.slice(0, EXCERPT) };
  const context = result === undefined ? {} : { subtype: result.subtype, ...said };
  return new StructuredOutputError({ code: "structured_output", message, operation: "structured", context });
}
