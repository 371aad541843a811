// The same for `import`. There is one copy of the package in a process, whichever way it is loaded, so classes and the
// engine are the same ones for both.

export * from "./index.js";
