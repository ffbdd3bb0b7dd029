import packageJson from "../../package.json" with { type: "json" };

/** Our own version, put into the bundle when it is built. */
export const { version } = packageJson;
