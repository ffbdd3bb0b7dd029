import type { Digest } from "./digest.js";
import type { ErrorCode } from "./errors.js";

export type LayerState = "waiting" | "downloading" | "verifying" | "done" | "exists";

/** Everything a pull tells while it runs. The library emits, only the CLI prints. */
export type PullEvent =
  | { readonly type: "resolving"; readonly reference: string }
  | {
      readonly type: "resolved";
      readonly reference: string;
      readonly digest: Digest;
      readonly layers: readonly { readonly digest: Digest; readonly size: number }[];
    }
  | {
      readonly type: "layer";
      readonly digest: Digest;
      readonly state: LayerState;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly type: "retry";
      readonly what: string;
      readonly attempt: number;
      readonly code: ErrorCode;
      readonly waitMs: number;
    }
  | { readonly type: "rootfs"; readonly chainId: Digest; readonly state: "building" | "done" | "exists" }
  | { readonly type: "pulled"; readonly reference: string; readonly digest: Digest }
  | { readonly type: "warning"; readonly message: string };

/** Synchronous, cheap, must not throw. */
export type Emit = (event: PullEvent) => void;
