import type { Descriptor } from "./descriptor.js";
import { RegistryError } from "./errors.js";
import type { Index } from "./manifest.js";
import { formatPlatform, platformCandidates, samePlatform, type Platform } from "./platform.js";

/**
 * The manifest of an index for `wanted`, as containerd picks it: the best candidate platform wins, the first entry
 * among equals. Attestations (`unknown/unknown`, put there by BuildKit) are never candidates. An entry without a
 * platform is taken only if nothing names one that fits.
 * @throws RegistryError NO_PLATFORM listing what there is
 */
export function selectManifest(what: string, index: Index, wanted: Platform): Descriptor {
  for (const candidate of platformCandidates(wanted)) {
    const hit = index.manifests.find((m) => m.platform !== undefined && samePlatform(m.platform, candidate));
    if (hit !== undefined) return hit;
  }
  const unnamed = index.manifests.find((m) => m.platform === undefined && !isAttestation(m));
  if (unnamed !== undefined) return unnamed;
  const available = availablePlatforms(index);
  throw new RegistryError("NO_PLATFORM", `${what}: no image for ${formatPlatform(wanted)}`, {
    hint:
      available.length === 0
        ? "the index lists no image at all"
        : `available: ${available.join(", ")} (choose with --platform)`,
  });
}

export function availablePlatforms(index: Index): string[] {
  const named = index.manifests.filter((m) => m.platform !== undefined && !isAttestation(m));
  return [...new Set(named.map((m) => formatPlatform(m.platform ?? { os: "", architecture: "" })))];
}

/** An entry that says something about another one: what BuildKit puts beside an image. */
export function isAttestation(entry: Descriptor): boolean {
  const referenceType = entry.annotations?.["vnd.docker.reference.type"];
  return referenceType === "attestation-manifest" || entry.platform?.os === "unknown";
}
