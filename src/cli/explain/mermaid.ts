import type { Explanation, ExplainStep, Phase } from "./explanation.js";

const participants = {
  P: "pullrun",
  R: "registry",
  S: "store",
  H: "helper",
  K: "kernel",
  C: "container",
} as const;

/** From whom to whom. */
const arrows: Readonly<Record<Phase, string>> = {
  resolve: "P->>P",
  registry: "P->>R",
  token: "P->>R",
  manifest: "P->>R",
  config: "P->>R",
  blob: "P->>R",
  fetch: "R->>S",
  verify: "S->>S",
  store: "P->>S",
  rootfs: "P->>S",
  prepare: "P->>H",
  network: "H->>K",
  cgroup: "H->>K",
  namespaces: "H->>K",
  mounts: "H->>K",
  process: "H->>K",
  exec: "H->>C",
  exit: "C->>P",
  cleanup: "H->>K",
  notice: "P->>P",
};

/** A sequence diagram; https://mermaid.js.org/syntax/sequenceDiagram.html */
export function mermaidOf({ steps }: Explanation): string {
  const named = Object.entries(participants).map(([id, name]) => `  participant ${id} as ${name}`);
  return ["sequenceDiagram", "  autonumber", ...named, ...steps.map(arrowOf)].join("\n");
}

function arrowOf({ phase, what, ms }: ExplainStep): string {
  const took = ms === undefined ? "" : ` (${ms.toFixed(2)}ms)`;
  return `  ${arrows[phase]}: ${phase}: ${escaped(what)}${took}`;
}

/** These end a message, or begin markup. */
function escaped(text: string): string {
  return text.replace(/[#;<>%]/g, (sign) => `#${sign.charCodeAt(0)};`);
}
