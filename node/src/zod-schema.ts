// JSON Schema of zod schemas that cannot say it themselves: those of version 3, and of version 4 before 4.2. Reads their
// definitions, which both versions keep in nearly the same form; what has no counterpart in JSON Schema accepts anything.

import { isOptional, isZod, type JsonSchema, type Zod } from "./schema.js";

type Definition = Record<string, unknown>;

/** The JSON Schema of what `zod` accepts. */
export function walked(zod: Zod): JsonSchema {
  const schema = described(zod);
  return zod.description === undefined ? schema : { ...schema, description: zod.description };
}

function described(zod: Zod): JsonSchema {
  const def = (zod._zod?.def ?? zod._def ?? {}) as Definition;
  switch (kind(def)) {
    case "string":
      return { type: "string", ...limits(def, "Length") };
    case "number":
      return { type: "number", ...limits(def, "") };
    case "int":
      return { type: "integer" };
    case "boolean":
      return { type: "boolean" };
    case "null":
      return { type: "null" };
    case "literal":
      return { enum: (def["values"] as unknown[] | undefined) ?? [def["value"]] };
    case "enum":
    case "nativeenum":
      return { enum: members(def["entries"] ?? def["values"]) };
    case "array":
      return { type: "array", items: inner(def["element"] ?? def["type"]), ...limits(def, "Items") };
    case "tuple":
      return { type: "array", prefixItems: (def["items"] as unknown[]).map(inner) };
    case "object":
      return object(def["shape"]);
    case "record":
      return { type: "object", additionalProperties: inner(def["valueType"]) };
    case "union":
    case "discriminatedunion":
      return { anyOf: Array.from(def["options"] as Iterable<unknown>, inner) };
    case "intersection":
      return { allOf: [inner(def["left"]), inner(def["right"])] };
    case "nullable":
      return { anyOf: [inner(def["innerType"]), { type: "null" }] };
    case "default":
    case "prefault": {
      const value = def["defaultValue"];
      return { ...inner(def["innerType"]), default: typeof value === "function" ? value() : value };
    }
    case "effects":
      return inner(def["schema"]);
    case "pipe":
    case "pipeline":
      return inner(def["in"]);
    case "branded":
      return inner(def["type"]);
    default:
      // Optional, readonly, catch, nonoptional: what is inside. Anything else accepts anything.
      return isZod(def["innerType"]) ? inner(def["innerType"]) : {};
  }
}

/** `string`, `object`, ...: version 4 has it as the type, version 3 as a name such as `ZodString`. */
function kind(def: Definition): string {
  const { type, typeName } = def;
  return typeof type === "string" ? type : String(typeName).replace(/^Zod/, "").toLowerCase();
}

function inner(zod: unknown): JsonSchema {
  return isZod(zod) ? walked(zod) : {};
}

function object(shape: unknown): JsonSchema {
  const entries = Object.entries((typeof shape === "function" ? shape() : shape) as Record<string, Zod>);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, zod]) => [name, walked(zod)])),
    required: entries.filter(([, zod]) => !isOptional(zod)).map(([name]) => name),
  };
}

/** The values of an enum of TypeScript, whose numbers have a second entry with their name, or of a list. */
function members(values: unknown): unknown[] {
  if (Array.isArray(values)) return values;
  const all = values as Record<string, unknown>;
  return Object.entries(all)
    .filter(([name]) => typeof all[String(all[name])] !== "number")
    .map(([, value]) => value);
}

/** The limits of lengths and numbers. */
function limits(def: Definition, of: "Length" | "Items" | ""): JsonSchema {
  const [least, most] = of === "" ? ["minimum", "maximum"] : [`min${of}`, `max${of}`];
  const found: JsonSchema = {};
  for (const check of (def["checks"] as { kind?: string; _zod?: { def: Definition } }[] | undefined) ?? []) {
    const is = (check._zod?.def ?? check) as Definition;
    const name = String(is["kind"] ?? is["check"]);
    const value = is["value"] ?? is["minimum"] ?? is["maximum"];
    if (["min", "min_length", "greater_than"].includes(name)) found[least as string] = value;
    else if (["max", "max_length", "less_than"].includes(name)) found[most as string] = value;
    else if (name === "int" || is["format"] === "safeint") found["type"] = "integer";
  }
  for (const [bound, name] of [
    ["minLength", least],
    ["maxLength", most],
  ] as const) {
    // Version 3 keeps those of arrays beside the checks.
    const limit = def[bound];
    if (typeof limit === "object" && limit !== null && "value" in limit) found[name as string] = limit.value;
  }
  return found;
}
