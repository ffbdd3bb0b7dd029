/** `dist/cli.cjs`, which bin/pullrun starts. */
import { evaluate, loadCode } from "./code.js";

void evaluate(loadCode(__dirname), __dirname, require).main(process.argv.slice(2));
