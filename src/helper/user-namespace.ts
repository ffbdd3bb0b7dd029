import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { IdMapping, Privilege } from "./privilege.js";

type Mapped = Extract<Privilege, { readonly uidMap: unknown }>;

/**
 * Podman's `--userns` for a container: `keep-id`, our own ids are the same inside, where it runs as them, and its root is
 * one of our subordinate ids. @throws UsageError BAD_VALUE, BAD_FLAG
 */
export function chooseIds(privilege: Privilege, mode: string): Privilege {
  if (mode === "keep-id") return keepIds(requireMaps(privilege, mode));
  if (mode !== "nomap")
    throw new UsageError("BAD_VALUE", `--userns: ${printable(mode, 60)} (expected host or keep-id)`);
  throw new UsageError("BAD_FLAG", "--userns nomap: not possible here (expected host or keep-id)", {
    hint: "the store is ours, and a container in which we do not exist could not reach it (ADR 18)",
  });
}

function requireMaps(privilege: Privilege, mode: string): Mapped {
  if (privilege.kind === "root")
    throw new UsageError("BAD_FLAG", `--userns ${mode}: we are root (expected an ordinary user)`, {
      hint: "leave it out: root's containers have no user namespace, and -u says who they run as",
    });
  if (privilege.kind === "confined")
    throw new UsageError("BAD_FLAG", `--userns ${mode}: no user namespaces here: ${privilege.reason}`, {
      hint: "leave it out, or run outside this container",
    });
  return privilege;
}

function keepIds(privilege: Mapped): Privilege {
  const [uid, gid] = [ownId(privilege.uidMap), ownId(privilege.gidMap)];
  const kept = { ...privilege, runsAs: `${uid}:${gid}` };
  // Of a namespace of one id: it is given to whoever the container runs as.
  if (kept.kind === "single") return kept;
  return { ...kept, uidMap: keep(privilege.uidMap), gidMap: keep(privilege.gidMap) };
}

/** Ours is root's unless it is kept. */
function ownId(map: readonly IdMapping[]): number {
  return map.find(({ inside }) => inside === 0)?.outside ?? 0;
}

/** The subordinate ids in their order, from 0 on, around our own, which is itself. */
function keep(map: readonly IdMapping[]): IdMapping[] {
  const own = ownId(map);
  if (own === 0) return [...map];
  let given = 0;
  const others = map
    .filter(({ inside }) => inside !== 0)
    .flatMap(({ outside, count }) => {
      const below = Math.min(Math.max(own - given, 0), count);
      const parts = [
        { inside: given, outside, count: below },
        { inside: given + below + 1, outside: outside + below, count: count - below },
      ];
      given += count;
      return parts.filter((part) => part.count > 0);
    });
  return [...others, { inside: own, outside: own, count: 1 }].sort((a, b) => a.inside - b.inside);
}
