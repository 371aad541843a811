// The matching of the scenarios, as tests/conformance/README.md describes it.

/** Whether `value` matches `pattern`. */
export function matches(pattern, value) {
  if (pattern === "$any") return value !== undefined;
  if (Array.isArray(pattern))
    return (
      Array.isArray(value) &&
      value.length === pattern.length &&
      pattern.every((part, index) => matches(part, value[index]))
    );
  if (typeof pattern !== "object" || pattern === null) return pattern === value;
  if (pattern.$absent === true) return value === undefined;
  if ("$contains" in pattern) return contains(pattern.$contains, value);
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(pattern).every((key) =>
      matches(pattern[key], Object.hasOwn(value, key) ? value[key] : undefined),
    )
  );
}

/** A text that has a part, or a list in which something matches each of several patterns. */
function contains(wanted, value) {
  if (!Array.isArray(wanted)) return typeof value === "string" && value.includes(wanted);
  return Array.isArray(value) && wanted.every((part) => value.some((one) => matches(part, one)));
}
