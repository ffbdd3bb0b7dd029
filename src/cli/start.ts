/** `dist/cli.cjs`, which bin/pullrun starts. */
import { openCommandLine } from "./code.js";

void openCommandLine(__dirname, require).main(process.argv.slice(2));
