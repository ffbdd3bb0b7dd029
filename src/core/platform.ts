import { UsageError } from "./errors.js";
import { printable } from "./text.js";

/** image-spec image-index.md, "platform". Always normalised by {@link parsePlatform} or {@link normalizePlatform}. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

// Spellings accepted by containerd/platforms `normalizeArch`. Maps, not objects: the keys asked for come from images.
const architectures: ReadonlyMap<string, string> = new Map([
  ["x86_64", "amd64"],
  ["x86-64", "amd64"],
  ["x64", "amd64"],
  ["i386", "386"],
  ["i686", "386"],
  ["ia32", "386"],
  ["aarch64", "arm64"],
  ["armhf", "arm"],
  ["armel", "arm"],
]);

// containerd/platforms drops the variant that every CPU of the architecture has.
const impliedVariant: ReadonlyMap<string, string> = new Map([
  ["arm64", "v8"],
  ["amd64", "v1"],
]);

export function normalizePlatform(os: string, architecture: string, variant?: string): Platform {
  const raw = architecture.toLowerCase();
  const arch = architectures.get(raw) ?? raw;
  const given = normalizeVariant(raw, variant);
  if (given === undefined || given === "" || given === impliedVariant.get(arch)) {
    return arch === "arm"
      ? { os: os.toLowerCase(), architecture: arch, variant: "v7" }
      : { os: os.toLowerCase(), architecture: arch };
  }
  return { os: os.toLowerCase(), architecture: arch, variant: given };
}

function normalizeVariant(rawArchitecture: string, variant: string | undefined): string | undefined {
  if (rawArchitecture === "armel") return "v6";
  const lower = variant?.toLowerCase();
  return lower !== undefined && /^[0-9]+$/.test(lower) ? `v${lower}` : lower;
}

// What one word may be, as containerd/platforms: Go's GOARCH for Linux.
const goArchitectures: ReadonlySet<string> = new Set(
  "386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x".split(" "),
);

function isArchitecture(word: string): boolean {
  const raw = word.toLowerCase();
  return goArchitectures.has(architectures.get(raw) ?? raw);
}

/** `OS/ARCH[/VARIANT]` or just `ARCH`. @throws UsageError BAD_PLATFORM */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const valid = parts.length <= 3 && parts.every((part) => /^[A-Za-z0-9_.-]+$/.test(part));
  if (!valid) {
    throw new UsageError("BAD_PLATFORM", `platform: ${printable(text, 60)}: not OS/ARCH[/VARIANT]`, {
      hint: "for example --platform linux/arm64 or --platform linux/arm/v7",
    });
  }
  const [first = "", second, third] = parts;
  if (second === undefined && !isArchitecture(first)) {
    throw new UsageError(
      "BAD_PLATFORM",
      `platform: ${printable(text, 60)}: no architecture that Go has a name for`,
      {
        hint: "for example --platform linux/arm64 or --platform arm64",
      },
    );
  }
  return second === undefined ? normalizePlatform("linux", first) : normalizePlatform(first, second, third);
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** The platform this process runs on. The CPU's own arm variant is not probed: v7 for arm, as docker's default. */
export function hostPlatform(): Platform {
  // Node has one name for both byte orders; Linux distributions for ppc64 are little-endian.
  return normalizePlatform("linux", process.arch === "ppc64" ? "ppc64le" : process.arch);
}

/**
 * Platforms an image for `wanted` may have, best first. arm walks its variants down (containerd/platforms
 * `platformVector`); amd64 does not fall back to 386 and a variant asked for by number is never raised.
 */
export function platformCandidates(wanted: Platform): Platform[] {
  const { os, architecture, variant } = wanted;
  const plain: Platform = { os, architecture };
  if (variant === undefined) return [plain];
  const level = /^v([0-9])$/.exec(variant);
  if (level === null) return [wanted];
  const lowest = architecture === "arm" ? 5 : architecture === "arm64" ? 9 : 2;
  const walk: Platform[] = [];
  for (let v = Number(level[1]); v >= lowest; v--) walk.push({ os, architecture, variant: `v${v}` });
  return architecture === "arm" ? walk : [...walk, plain];
}

export function samePlatform(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}
