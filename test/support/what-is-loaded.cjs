/**
 * Preloaded (NODE_OPTIONS=--require) into a command that becomes a container: instead, writes to the file that LOADED
 * names which of our scripts it ran, which of our own modules it initialised, and which of Node's it loaded.
 */
const { writeFileSync } = require("node:fs");
const { Session } = require("node:inspector");
const { basename } = require("node:path");

// esbuild names the function that initialises a module by the module's path.
const initialiser = /^(src|node_modules)\//;
const session = new Session();
const before = new Set(process.moduleLoadList);

session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });

process.execve = () => {
  const builtins = process.moduleLoadList.filter((name) => !before.has(name));
  session.post("Profiler.takePreciseCoverage", (error, coverage) => {
    const scripts = coverage.result.map(({ url }) => basename(url)).filter((name) => name.startsWith("cli-"));
    const functions = coverage.result.flatMap((script) => script.functions);
    const run = functions.filter(
      ({ functionName, ranges }) => initialiser.test(functionName) && ranges[0].count > 0,
    );
    const modules = run.map(({ functionName }) => functionName);
    writeFileSync(process.env.LOADED, JSON.stringify({ scripts, modules, builtins }));
  });
  process.exit(0);
};
