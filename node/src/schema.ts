// What a tool accepts, as JSON Schema and as a check. Schemas come as JSON Schema, or as zod ones (version 3 or 4) that
// are recognised by their shape: the package works without zod, and with whichever copy of it the program uses.

import { walked } from "./zod-schema.js";

/** JSON Schema of an object. */
export type JsonSchema = Record<string, unknown>;

/** A zod schema, of version 3 or 4. */
export interface ZodLike {
  readonly _output: unknown;
}

/** Names of arguments and their zod schemas. */
export type AnyZodRawShape = Record<string, ZodLike>;

/** What {@link AnyZodRawShape} becomes when it is read. */
export type InferShape<Shape> = {
  [Name in keyof Shape]: Shape[Name] extends { _output: infer T } ? T : never;
};

/** What the handler of a tool gets for its schema. */
export type InferInput<Schema> = Schema extends { _output: infer T }
  ? T
  : Schema extends AnyZodRawShape
    ? InferShape<Schema>
    : Record<string, unknown>;

/** The arguments as the handler gets them, or what is wrong with them. */
export type Checked = { value: Record<string, unknown> } | { problem: string };

type Values = Record<string, unknown>;
type Standard = {
  validate(value: unknown): Verdict | Promise<Verdict>;
  jsonSchema?: { input(options: { target: string }): JsonSchema };
};
type Verdict = {
  value?: unknown;
  issues?: readonly { message: string; path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined }[];
};

type Parsed = { success: boolean; data?: unknown; error?: { issues: Verdict["issues"] } };

/** Any zod schema at run time. */
export interface Zod {
  readonly _def?: Values;
  readonly _zod?: { def: Values; optin?: string };
  readonly description?: string;
  readonly "~standard"?: Standard;
  isOptional?(): boolean;
  safeParse?(value: unknown): Parsed;
  safeParseAsync?(value: unknown): Promise<Parsed>;
}

/** The JSON Schema of what a tool accepts. */
export function jsonSchema(schema: object): JsonSchema {
  if (isZod(schema)) return property(schema);
  if (!isShape(schema)) return schema as JsonSchema;
  const entries = Object.entries(schema);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, zod]) => [name, property(zod)])),
    required: entries.filter(([, zod]) => !isOptional(zod)).map(([name]) => name),
    additionalProperties: false,
  };
}

/** Checks arguments with zod, which also fills in defaults and transforms. With JSON Schema they are left as they are. */
export async function check(schema: object, args: Values): Promise<Checked> {
  if (isZod(schema)) return (await verdict(schema, args, [])) as Checked;
  if (!isShape(schema)) return { value: args };
  const value: Values = {};
  const problems: string[] = [];
  for (const [name, zod] of Object.entries(schema)) {
    const checked = await verdict(zod, args[name], [name]);
    if ("problem" in checked) problems.push(checked.problem);
    else if (checked.value !== undefined) value[name] = checked.value;
  }
  return problems.length > 0 ? { problem: problems.join("; ") } : { value };
}

/** Whether this is a zod schema. */
export function isZod(value: unknown): value is Zod {
  return typeof value === "object" && value !== null && ("_zod" in value || "_def" in value);
}

/** Whether an argument may be left out. */
export function isOptional(zod: Zod): boolean {
  return zod._zod ? zod._zod.optin !== undefined : (zod.isOptional?.() ?? false);
}

/** Names and zod schemas. An empty object is one, too: a tool without arguments. */
function isShape(schema: object): schema is Record<string, Zod> {
  return Object.values(schema).every(isZod);
}

/** Newer versions of zod say it themselves. */
function property(zod: Zod): JsonSchema {
  const { $schema: _, ...own } =
    zod["~standard"]?.jsonSchema?.input({ target: "draft-2020-12" }) ?? walked(zod);
  return own;
}

/** Checks any value with a zod schema that does not have to wait for anything. */
export function judgedNow(schema: object, value: unknown): { value: unknown } | { problem: string } {
  const zod = schema as Zod;
  const late = { problem: "it waits for something, and cannot be used here" };
  if (!zod["~standard"]) {
    try {
      return said(safe(zod.safeParse?.(value)), []);
    } catch {
      // How older versions of zod refuse to wait.
      return late;
    }
  }
  const judged = zod["~standard"].validate(value);
  if (!(judged instanceof Promise)) return said(judged, []);
  judged.catch(() => {});
  return late;
}

async function verdict(
  zod: Zod,
  value: unknown,
  path: PropertyKey[],
): Promise<{ value: unknown } | { problem: string }> {
  return said(await judged(zod, value), path);
}

function said(verdict: Verdict, path: PropertyKey[]): { value: unknown } | { problem: string } {
  const { issues, value } = verdict;
  if (!issues) return { value };
  const problems = issues.map((issue) => {
    const steps = [
      ...path,
      ...(issue.path ?? []).map((step) => (typeof step === "object" ? step.key : step)),
    ];
    return steps.length > 0 ? `${steps.map(String).join(".")}: ${issue.message}` : issue.message;
  });
  return { problem: problems.join("; ") };
}

async function judged(zod: Zod, value: unknown): Promise<Verdict> {
  if (zod["~standard"]) return zod["~standard"].validate(value);
  return safe(await zod.safeParseAsync?.(value));
}

function safe(result: Parsed | undefined): Verdict {
  return result?.success
    ? { value: result.data }
    : { issues: result?.error?.issues ?? [{ message: "not accepted" }] };
}
